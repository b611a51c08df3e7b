"""How a stack stands: what came and what became of it, what is wrong now, what is on the queues."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import boto3

from openfn.history import messages as history
from openfn.history.messages import Span
from openfn.storage import attention
from openfn.storage.attention import Attention

_QUEUES = ("MatchQueue", "RunQueue", "MatchDeadLetters", "RunDeadLetters")
_MOST = 20_000
"""So many messages and runs are counted; what is more is better read from the dashboard."""
_ANSWERS = ("400", "401", "404", "413", "503")


@dataclass(frozen=True, slots=True)
class Overview:
    """How a stack stands. Counts of runs and messages are of a span; the rest is of now."""

    messages: Mapping[str, int]
    runs: Mapping[str, int]
    last: datetime | None
    more: bool
    """Whether there are more messages in the span than were counted."""
    failed: int
    circuits: tuple[str, ...]
    queues: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, int]
    """Posts that were not accepted, by status, where CloudWatch has counted them."""
    alarms: tuple[str, ...]
    """Alarms that are on."""


def read(stack: str, since: datetime) -> Overview:
    """Read how a stack stands, and what it did since a time."""
    span = Span(since, datetime.now(UTC) + timedelta(minutes=1))
    found = list(islice(history.read_messages(span), _MOST + 1))
    states = Counter(run.status for run in islice(history.read_runs(span), _MOST))
    return Overview(
        messages=dict(Counter(each.state for each in found[:_MOST])),
        runs=dict(states),
        last=found[0].received if found else None,
        more=len(found) > _MOST,
        failed=sum(1 for _ in attention.query_all(Attention.FAILED)),
        circuits=tuple(
            sorted(item["pk"].partition("#")[2] for item in attention.query_all(Attention.CIRCUIT))
        ),
        queues={name: _queue(stack, name) for name in _QUEUES},
        refused=_refused(stack, since),
        alarms=_alarms(stack),
    )


def _queue(stack: str, name: str) -> dict[str, int]:
    resource = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId=name
    )
    url = resource["StackResourceDetail"]["PhysicalResourceId"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    found = answer["Attributes"]
    return {
        "waiting": int(found["ApproximateNumberOfMessages"]),
        "at_work": int(found["ApproximateNumberOfMessagesNotVisible"]),
    }


def _refused(stack: str, since: datetime) -> dict[str, int]:
    queries = [
        {
            "Id": f"s{status}",
            "MetricStat": {
                "Metric": {
                    "Namespace": f"OpenFn/{stack}",
                    "MetricName": f"Answers{status}",
                    "Dimensions": [{"Name": "service", "Value": "inbox"}],
                },
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for status in _ANSWERS
    ]
    answer = boto3.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=since, EndTime=datetime.now(UTC) + timedelta(hours=1)
    )
    found = {each["Id"][1:]: round(sum(each["Values"])) for each in answer["MetricDataResults"]}
    return {status: count for status, count in found.items() if count}


def _alarms(stack: str) -> tuple[str, ...]:
    answer = boto3.client("cloudwatch").describe_alarms(
        AlarmNamePrefix=f"{stack}-",
        StateValue="ALARM",
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    found = answer.get("MetricAlarms", []) + answer.get("CompositeAlarms", [])
    # Another stack's name may begin with this one's.
    own = re.compile(rf"{re.escape(stack)}-[A-Za-z]+Alarm-")
    return tuple(sorted(each["AlarmName"] for each in found if own.match(each["AlarmName"])))
