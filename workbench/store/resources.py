"""The functions, queues, routes and schedules of template.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.store.queue_rows import Queue
from workbench.store.stack_template import StackTemplate


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function of the template, named after its code folder."""

    name: str
    arn: str
    handler: str
    timeout_seconds: int
    memory: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """A queue whose batches are sent to a function."""

    function: str
    queue_url: str
    queue_arn: str
    batch_size: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the template that the embedded stack works with."""

    functions: Mapping[str, Function]
    mappings: tuple[EventSourceMapping, ...]
    routes: Mapping[tuple[str, str], str]
    """Function names by HTTP method and path of the API's routes."""
    schedules: Mapping[str, str]
    """Function names by schedule expression."""
    physical_ids: Mapping[str, str]
    """Physical ids by logical id."""


def describe(template: StackTemplate) -> Resources:
    """Return the resources of a template."""
    functions = {
        name: _function(template, name, properties)
        for name, properties in template.resources("AWS::Serverless::Function").items()
    }
    events = list(_events(template, functions))
    return Resources(
        functions={function.name: function for function in functions.values()},
        mappings=tuple(
            _mapping(template, function, properties)
            for kind, function, properties in events
            if kind == "SQS"
        ),
        routes={
            (properties["Method"].upper(), properties["Path"]): function
            for kind, function, properties in events
            if kind == "HttpApi"
        },
        schedules={
            properties["Schedule"]: function
            for kind, function, properties in events
            if kind == "Schedule"
        },
        physical_ids={name: template.physical_id(name) for name in template.content["Resources"]},
    )


def queues(template: StackTemplate) -> dict[str, Queue]:
    """Return the queues of a template by URL."""
    properties = template.resources("AWS::SQS::Queue")
    urls = {template.evaluate({"Fn::GetAtt": f"{name}.Arn"}): name for name in properties}
    return {
        template.physical_id(name): _queue(template, name, queue, urls)
        for name, queue in properties.items()
    }


def _queue(
    template: StackTemplate, name: str, properties: Mapping[str, Any], names: Mapping[str, str]
) -> Queue:
    redrive = properties.get("RedrivePolicy")
    return Queue(
        template.physical_id(name),
        float(properties.get("VisibilityTimeout", 30)),
        template.physical_id(names[redrive["deadLetterTargetArn"]]) if redrive else None,
        int(redrive["maxReceiveCount"]) if redrive else 0,
    )


def _function(template: StackTemplate, name: str, properties: Mapping[str, Any]) -> Function:
    shared = template.evaluate(template.content["Globals"]["Function"])
    variables = {
        **shared["Environment"]["Variables"],
        **properties.get("Environment", {}).get("Variables", {}),
    }
    return Function(
        name=Path(properties["CodeUri"]).name,
        arn=template.evaluate({"Fn::GetAtt": f"{name}.Arn"}),
        handler=properties.get("Handler", shared["Handler"]),
        timeout_seconds=int(properties["Timeout"]),
        memory=int(properties["MemorySize"]),
        environment={key: str(value) for key, value in variables.items()},
    )


def _events(
    template: StackTemplate, functions: Mapping[str, Function]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the type, function and properties of what invokes functions."""
    for name, properties in template.resources("AWS::Serverless::Function").items():
        for event in properties.get("Events", {}).values():
            yield event["Type"], functions[name].name, event["Properties"]


def _mapping(
    template: StackTemplate, function: str, properties: Mapping[str, Any]
) -> EventSourceMapping:
    names = template.resources("AWS::SQS::Queue")
    urls = {
        template.evaluate({"Fn::GetAtt": f"{name}.Arn"}): template.physical_id(name)
        for name in names
    }
    return EventSourceMapping(
        function=function,
        queue_url=urls[properties["Queue"]],
        queue_arn=properties["Queue"],
        batch_size=int(properties["BatchSize"]),
        concurrency=int(properties.get("ScalingConfig", {}).get("MaximumConcurrency", 5)),
    )
