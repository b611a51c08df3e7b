"""A deployed stack, or the one of `ofn serve`, as the core layer's modules reach it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from openfn.storage.aws import Setting
from workbench.environment import environ
from workbench.errors import CommandError
from workbench.project.compiler import compile_project

# Every function has the same environment; this one is the first to need all of it.
_FUNCTION = "MatcherFunction"
_WANTED = {
    Setting.TABLE_NAME,
    Setting.BUCKET_NAME,
    Setting.MATCH_QUEUE_URL,
    Setting.RUN_QUEUE_URL,
    Setting.CREDENTIALS_PREFIX,
    Setting.RETENTION_DAYS,
}
_REGION = "set AWS_REGION (or AWS_PROFILE) as for the AWS CLI"


@contextmanager
def connected(stack: str, project: Path) -> Iterator[None]:
    """Reach a stack's table, bucket, queues and secrets.

    Credentials and region are those the AWS CLI has; the project is the one at hand, which is to be
    the one that is deployed. `AWS_ENDPOINT_URL` leads to the stack of `ofn serve`. Raises
    `CommandError` when there is no stack of that name, or when it cannot be reached.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="openfn-") as folder:
            compile_project(project, Path(folder))
            with environ({**_environment(stack), Setting.PROJECT_DIR: folder}):
                yield
    except ClientError as error:
        raise CommandError(_refused(stack, error)) from None
    except BotoCoreError as error:
        raise CommandError(f"AWS is not reached: {error}; {_REGION}") from None


def output(stack: str, name: str) -> str:
    """Give an output of a stack, such as `InboxUrl`; `CommandError` when there is none."""
    try:
        answer = boto3.client("cloudformation").describe_stacks(StackName=stack)
    except ClientError as error:
        raise CommandError(_refused(stack, error)) from None
    except BotoCoreError as error:
        raise CommandError(f"AWS is not reached: {error}; {_REGION}") from None
    outputs = {
        each.get("OutputKey"): each.get("OutputValue", "")
        for each in answer["Stacks"][0].get("Outputs", [])
    }
    if name not in outputs:
        raise CommandError(
            f"the stack {stack} has no {name}; the URLs of `ofn serve` are those that it shows"
        )
    return outputs[name]


def _environment(stack: str) -> dict[str, str]:
    answer = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId=_FUNCTION
    )
    name = answer["StackResourceDetail"].get("PhysicalResourceId", "")
    made = boto3.client("lambda").get_function_configuration(FunctionName=name)
    given = made["Environment"]["Variables"]
    return {name: str(value) for name, value in given.items() if name in _WANTED}


def _refused(stack: str, error: ClientError) -> str:
    if error.response["Error"]["Code"] == "ValidationError":
        return f"there is no stack {stack} of ours here; name one with --stack, and {_REGION}"
    return f"AWS refuses this in the stack {stack}: {error}"
