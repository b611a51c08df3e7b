"""Checks of a deployed stack: its status, its secrets and who gets its alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from workbench.doctor.checks import Check, ok, problem
from workbench.project.schema.project import ProjectSpec
from workbench.stack.clients import client

_MUST_BE_DELETED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """What CloudFormation knows about a stack."""

    name: str
    status: str
    parameters: Mapping[str, str]


def find(name: str) -> DeployedStack | None:
    """Return a stack, or None if it does not exist (yet)."""
    try:
        response = client("cloudformation").describe_stacks(StackName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    (stack,) = response["Stacks"]
    parameters = {
        parameter["ParameterKey"]: parameter.get("ParameterValue", "")
        for parameter in stack.get("Parameters", [])
    }
    return DeployedStack(name, stack["StackStatus"], parameters)


def check_status(stack: DeployedStack) -> Check:
    """Check that a stack can be used and deployed again."""
    text = f"{stack.name} is {stack.status}."
    if stack.status in _MUST_BE_DELETED:
        fix = f"Run `.venv/bin/sam delete --stack-name {stack.name}`, then deploy again."
        return problem("stack", f"{text} It cannot be updated.", fix)
    if stack.status.endswith("_FAILED"):
        fix = "In the CloudFormation console, choose Stack actions, Continue update rollback."
        return problem("stack", text, fix)
    return ok("stack", text)


def check_secrets(stack: str, project: ProjectSpec) -> Check:
    """Check that the secrets of all jobs and inboxes exist."""
    used = {job.credential for job in project.jobs.values() if job.credential}
    inbox_secrets = {name for inbox in project.inboxes.values() for name in inbox.secret_schemes()}
    needed = {f"{stack}/credentials/{name}" for name in used}
    needed |= {f"{stack}/inboxes/{name}" for name in inbox_secrets}
    missing = sorted(needed - _secrets(stack)) if needed else []
    if not missing:
        return ok("secrets", f"{len(needed)} needed, none missing.")
    fixes = [
        f"`ofn credential set {name.rsplit('/', 1)[1]} --stack {stack}`"
        for name in missing
        if "/credentials/" in name
    ]
    if len(fixes) < len(missing):
        fixes.append("create secrets of inboxes in AWS Secrets Manager (docs/sources.md)")
    return problem("secrets", f"Missing: {', '.join(missing)}.", f"Run {', '.join(fixes)}.")


def check_alarm_mail(stack: DeployedStack) -> Check:
    """Check that somebody gets the alarms, and has confirmed it."""
    detail = client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="Alerts"
    )
    topic = detail["StackResourceDetail"]["PhysicalResourceId"]
    pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    arns = {
        subscription["Endpoint"]: subscription["SubscriptionArn"]
        for page in pages
        for subscription in page["Subscriptions"]
    }
    pending = sorted(name for name, arn in arns.items() if arn == "PendingConfirmation")
    confirmed = sorted(name for name, arn in arns.items() if arn.startswith("arn:"))
    if pending:
        text = f"Not confirmed: {', '.join(pending)}."
        fix = "Open the mail *AWS Notification - Subscription Confirmation* and confirm it."
        return problem("alarm mail", text, fix)
    if confirmed:
        return ok("alarm mail", f"Goes to {', '.join(confirmed)}.")
    return problem("alarm mail", "Nobody gets alarms.", _subscribe(stack, topic))


def _subscribe(stack: DeployedStack, topic: str) -> str:
    address = stack.parameters.get("AlarmEmail")
    if not address:
        return "Set AlarmEmail in samconfig.toml and deploy."
    # AWS deletes a subscription that is not confirmed, and CloudFormation does not create it again.
    return (
        f"Subscribe {address} again: `aws sns subscribe --topic-arn {topic} --protocol email "
        f"--notification-endpoint {address}`."
    )


def _secrets(stack: str) -> set[str]:
    pages = client("secretsmanager").get_paginator("list_secrets")
    filters = [{"Key": "name", "Values": [f"{stack}/"]}]
    return {
        secret["Name"] for page in pages.paginate(Filters=filters) for secret in page["SecretList"]
    }
