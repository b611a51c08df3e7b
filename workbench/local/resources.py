"""The stack's AWS resources, made in memory from template.yaml itself.

SAM's own translator turns the template into CloudFormation, and moto creates what that names, so
the embedded stack cannot drift from the deployed one. What moto does not know is left to the
embedded stack: the HTTP API (gateway.py) and what resource policies forbid.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import boto3
from moto import mock_aws

from workbench.environment import environ
from workbench.local.moto_threads import one_call_at_a_time
from workbench.local.template import CODE_BUCKET, Template, translate

REGION = "eu-west-1"
STACK = "openfn"
_UNKNOWN_TO_MOTO = (
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Lambda::Permission",
    "AWS::Logs::QueryDefinition",
)
# Lambda sets the region; what a person has set for the real AWS must not reach the embedded one.
_ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ENDPOINT_URL": None,
    "AWS_PROFILE": None,
    "AWS_DEFAULT_PROFILE": None,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function of the template, by the name of its code's folder."""

    name: str
    arn: str
    handler: str
    seconds: int
    memory: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An event source mapping: a queue whose batches a function gets."""

    function: str
    queue_url: str
    queue_arn: str
    batch_size: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Resources:
    """What the template makes, as far as the embedded stack has to act for AWS."""

    functions: Mapping[str, Function]
    mappings: tuple[Mapped, ...]
    routes: Mapping[tuple[str, str], str]
    """Function names by HTTP method and path of the API's routes."""
    schedules: Mapping[str, str]
    """Function names by schedule expression."""
    physical_ids: Mapping[str, str]
    """Physical ids by logical id."""


@contextmanager
def created(parameters: Mapping[str, str]) -> Iterator[Resources]:
    """Create the template's resources for as long as the context lasts; boto3 then reaches them."""
    with environ(_ENVIRONMENT), mock_aws(), one_call_at_a_time():
        # moto has each stack begin without one, and a new one reads botocore's data anew.
        boto3.DEFAULT_SESSION = _session()
        template = translate()
        routes = _routes(template)
        _upload_code(template)
        _create(_for_moto(template), parameters)
        yield _resources(template, routes)


@cache
def client(service: str) -> Any:
    """Give the one client of a service; making one takes longer than most calls."""
    return boto3.client(cast("Any", service), region_name=REGION)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def _routes(template: Template) -> dict[tuple[str, str], str]:
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            for path, methods in resource["Properties"]["Body"]["paths"].items():
                for method, route in methods.items():
                    uri = route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
                    logical_id = uri.split("functions/${")[1].split(".")[0]
                    found[method.upper(), path] = _folder(template, logical_id)
    return found


def _folder(template: Template, logical_id: str) -> str:
    return str(template["Resources"][logical_id]["Metadata"]["Folder"])


def _upload_code(template: Template) -> None:
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("README", "The embedded stack runs the checkout's own files.")
    s3 = client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for resource in template["Resources"].values():
        if resource["Type"] in ("AWS::Lambda::Function", "AWS::Lambda::LayerVersion"):
            properties = resource["Properties"]
            key = (properties.get("Code") or properties["Content"])["S3Key"]
            s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=empty.getvalue())


def _for_moto(template: Template) -> Template:
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] not in _UNKNOWN_TO_MOTO
    }
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            # moto would run the function itself, in Docker.
            resource["Properties"]["Enabled"] = False
        if resource["Properties"].get("FifoQueue"):
            # CloudFormation makes up a name that ends so; moto one that SQS would refuse.
            resource["Properties"]["QueueName"] = f"{STACK}-{name}.fifo"
    unknown = [f"${{{name}}}" for name in template["Resources"] if name not in resources]
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if not any(name in json.dumps(output) for name in unknown)
    }
    return {**template, "Resources": resources, "Outputs": outputs}


def _create(template: Template, parameters: Mapping[str, str]) -> None:
    client("cloudformation").create_stack(
        StackName=STACK,
        # Tabs are no YAML: moto then reads it as JSON, which is a hundred times as fast.
        TemplateBody=json.dumps(template, indent="\t"),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )


def _resources(template: Template, routes: Mapping[tuple[str, str], str]) -> Resources:
    answer = client("cloudformation").describe_stack_resources(StackName=STACK)
    ids = {
        each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
        for each in answer["StackResources"]
    }
    functions = {
        _folder(template, logical_id): _function(_folder(template, logical_id), ids[logical_id])
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    by_arn = {function.arn: name for name, function in functions.items()}
    return Resources(functions, _mappings(by_arn), routes, _schedules(by_arn), ids)


def _function(name: str, physical_id: str) -> Function:
    made = client("lambda").get_function_configuration(FunctionName=physical_id)
    environment = {key: str(value) for key, value in made["Environment"]["Variables"].items()}
    return Function(
        name,
        made["FunctionArn"],
        made["Handler"],
        int(made["Timeout"]),
        int(made["MemorySize"]),
        environment,
    )


def _mappings(by_arn: Mapping[str, str]) -> tuple[Mapped, ...]:
    mappings = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    sqs = client("sqs")
    return tuple(
        Mapped(
            function=by_arn[each["FunctionArn"]],
            queue_url=sqs.get_queue_url(QueueName=each["EventSourceArn"].split(":")[-1])[
                "QueueUrl"
            ],
            queue_arn=each["EventSourceArn"],
            batch_size=int(each["BatchSize"]),
            concurrency=int(each.get("ScalingConfig", {}).get("MaximumConcurrency", 5)),
        )
        for each in mappings
    )


def _schedules(by_arn: Mapping[str, str]) -> dict[str, str]:
    events = client("events")
    return {
        rule["ScheduleExpression"]: by_arn[target["Arn"]]
        for rule in events.list_rules()["Rules"]
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    }
