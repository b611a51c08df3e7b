"""The depths of a stack's queues, and its alarms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openfn.storage import services

QUEUES = ("MatchQueue", "RunQueue", "MatchDeadLetters", "RunDeadLetters")
"""The logical ids of the queues in template.yaml."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """About how many ids a queue has: those that can be received, and those being worked on."""

    waiting: int
    at_work: int


def queue_depths(stack: str) -> dict[str, QueueDepth]:
    """Return the depth of each queue of a stack, by logical id."""
    return {name: _depth(stack, name) for name in QUEUES}


def alarms(stack: str) -> tuple[str, ...]:
    """Return the names of a stack's alarms in the state ALARM."""
    response = services.call(
        "cloudwatch",
        "describe_alarms",
        AlarmNamePrefix=f"{stack}-",
        StateValue="ALARM",
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    entries = [*response.get("MetricAlarms", []), *response.get("CompositeAlarms", [])]
    # Another stack's name may begin with this one's.
    name = re.compile(rf"{re.escape(stack)}-[A-Za-z]+Alarm-")
    return tuple(sorted(a["AlarmName"] for a in entries if name.match(a["AlarmName"])))


def _depth(stack: str, name: str) -> QueueDepth:
    resource = services.call(
        "cloudformation", "describe_stack_resource", StackName=stack, LogicalResourceId=name
    )
    url = resource["StackResourceDetail"]["PhysicalResourceId"]
    response = services.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    attributes = response["Attributes"]
    return QueueDepth(
        int(attributes["ApproximateNumberOfMessages"]),
        int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    )
