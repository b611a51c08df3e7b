"""Create the stack's AWS resources in memory, from template.yaml.

SAM's own translator turns the template into CloudFormation, and moto creates its resources, so the
embedded stack cannot drift from the deployed one. moto does not know the HTTP API, which
`api_gateway` serves, and does not enforce resource policies.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import boto3
from moto import mock_aws

from openfn.storage import services
from openfn.storage.boto3_services import Boto3Services
from workbench.environment import environ
from workbench.local.moto_threads import serialize_calls
from workbench.local.template import CODE_BUCKET, CODE_KEY, Template, translate
from workbench.store.resources import EventSourceMapping, Function, Resources
from workbench.store.stack_template import REGION, STACK

_UNSUPPORTED_BY_MOTO = (
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::QueryDefinition",
)
# Lambda sets the region. A developer's settings for the real AWS must not apply here.
_ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ENDPOINT_URL": None,
    "AWS_PROFILE": None,
    "AWS_DEFAULT_PROFILE": None,
}


@contextmanager
def create(parameters: Mapping[str, str]) -> Iterator[Resources]:
    """Create the template's resources in moto; boto3 uses them until the context ends."""
    with environ(_ENVIRONMENT), mock_aws(), serialize_calls(), services.use(Boto3Services()):
        # moto removes the default session, and a new one would load botocore's data again.
        boto3.DEFAULT_SESSION = _session()
        template = translate()
        routes = _routes(template)
        _upload_code()
        _create(_for_moto(template), parameters)
        yield _resources(template, routes)


@cache
def client(service: str) -> Any:
    """Return a service's cached client; creating one is slower than most calls."""
    return boto3.client(cast("Any", service), region_name=REGION)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def _routes(template: Template) -> dict[tuple[str, str], str]:
    routes = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            for path, methods in resource["Properties"]["Body"]["paths"].items():
                for method, route in methods.items():
                    uri = route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
                    logical_id = uri.split("functions/${")[1].split(".")[0]
                    routes[method.upper(), path] = _folder(template, logical_id)
    return routes


def _folder(template: Template, logical_id: str) -> str:
    return str(template["Resources"][logical_id]["Metadata"]["Folder"])


def _upload_code() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("README", "The embedded stack runs the checkout's own files.")
    s3 = client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=CODE_BUCKET, Key=CODE_KEY, Body=archive.getvalue())


def _for_moto(template: Template) -> Template:
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] not in _UNSUPPORTED_BY_MOTO
    }
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            # Otherwise moto runs the function in Docker.
            resource["Properties"]["Enabled"] = False
        if resource["Properties"].get("FifoQueue"):
            # moto generates a name without this suffix, which SQS requires.
            resource["Properties"]["QueueName"] = f"{STACK}-{name}.fifo"
    unsupported = [f"${{{name}}}" for name in template["Resources"] if name not in resources]
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if not any(name in json.dumps(output) for name in unsupported)
    }
    return {**template, "Resources": resources, "Outputs": outputs}


def _create(template: Template, parameters: Mapping[str, str]) -> None:
    client("cloudformation").create_stack(
        StackName=STACK,
        # YAML forbids tabs, so moto parses this as JSON, which is 100 times as fast.
        TemplateBody=json.dumps(template, indent="\t"),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )


def _resources(template: Template, routes: Mapping[tuple[str, str], str]) -> Resources:
    response = client("cloudformation").describe_stack_resources(StackName=STACK)
    ids = {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
        for resource in response["StackResources"]
    }
    names = {ids[logical_id]: _folder(template, logical_id) for logical_id in _functions(template)}
    functions = [
        _function(names[configuration["FunctionName"]], configuration)
        for configuration in client("lambda").list_functions()["Functions"]
    ]
    by_arn = {function.arn: function.name for function in functions}
    return Resources(
        {function.name: function for function in functions},
        _mappings(by_arn, ids.values()),
        routes,
        _schedules(by_arn),
        ids,
    )


def _functions(template: Template) -> list[str]:
    resources = template["Resources"].items()
    return [name for name, resource in resources if resource["Type"] == "AWS::Lambda::Function"]


def _function(name: str, configuration: Any) -> Function:
    variables = configuration["Environment"]["Variables"].items()
    return Function(
        name,
        configuration["FunctionArn"],
        configuration["Handler"],
        int(configuration["Timeout"]),
        int(configuration["MemorySize"]),
        {key: str(value) for key, value in variables},
    )


def _mappings(by_arn: Mapping[str, str], ids: Iterable[str]) -> tuple[EventSourceMapping, ...]:
    # The physical id of a queue is its URL.
    queue_urls = {physical_id.rpartition("/")[2]: physical_id for physical_id in ids}
    mappings = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return tuple(
        EventSourceMapping(
            function=by_arn[mapping["FunctionArn"]],
            queue_url=queue_urls[mapping["EventSourceArn"].rpartition(":")[2]],
            queue_arn=mapping["EventSourceArn"],
            batch_size=int(mapping["BatchSize"]),
            concurrency=int(mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 5)),
        )
        for mapping in mappings
    )


def _schedules(by_arn: Mapping[str, str]) -> dict[str, str]:
    events = client("events")
    return {
        rule["ScheduleExpression"]: by_arn[target["Arn"]]
        for rule in events.list_rules()["Rules"]
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    }
