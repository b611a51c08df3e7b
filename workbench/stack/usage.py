"""What a stack has used since a time, and what that costs by the table of prices.

CloudWatch counts it by the hour. Where it has nothing of a stack (that of `ofn serve` is counted by
nobody), it is estimated from the messages and runs there are, at what docs/scale.md counts for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from openfn.history import messages as history
from openfn.history.messages import Span
from openfn.metrics import Metric
from workbench.stack.prices import prices

_PERIOD = 3600
_FUNCTIONS = ("InboxFunction", "MatcherFunction", "RunnerFunction")
_QUEUES = ("MatchQueue", "RunQueue")
METRICS = len(Metric)
"""How many metrics of its own a stack counts."""
# What one message, and one run on it, use in a stack that is not busy: `benchmarks.cost` counts it.
OF_A_MESSAGE = {
    "api_requests": 1.0,
    "invocations": 2.0,
    "gb_seconds": 0.033,
    "write_units": 2.0,
    "read_units": 1.0,
    "queue_requests": 3.0,
    "log_gb": 0.95e-6,
}
OF_A_RUN = {
    "invocations": 1.0,
    "gb_seconds": 0.1175,
    "write_units": 2.0,
    "read_units": 1.0,
    "queue_requests": 3.0,
    "log_gb": 0.56e-6,
}


@dataclass(frozen=True, slots=True)
class Used:
    """Amounts by the names of the price table, of so many messages and their runs."""

    amounts: Mapping[str, float]
    messages: int
    runs: int
    estimated: bool

    @property
    def dollars(self) -> dict[str, float]:
        """What each amount costs (US dollars)."""
        return {name: prices().of(name, amount) for name, amount in self.amounts.items()}


def read(stack: str, since: datetime) -> Used:
    """Read what a stack has used since a time."""
    span = Span(since, datetime.now(UTC) + timedelta(minutes=1))
    messages = sum(1 for _ in history.read_messages(span))
    runs = sum(1 for _ in history.read_runs(span))
    counted = _counted(stack, since)
    if any(counted.values()):
        return Used(counted, messages, runs, estimated=False)
    estimate = {
        name: messages * each + runs * OF_A_RUN.get(name, 0) for name, each in OF_A_MESSAGE.items()
    }
    return Used(estimate, messages, runs, estimated=True)


def _counted(stack: str, since: datetime) -> dict[str, float]:
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack)
    names = {
        each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
        for each in resources["StackResources"]
    }
    asked = list(_asked({**names, "Api": names.get("Api", "none")}))
    pages = boto3.client("cloudwatch").get_paginator("get_metric_data")
    found: dict[str, float] = {item: 0.0 for item, *_ in asked}
    for page in pages.paginate(
        MetricDataQueries=[_query(f"q{n}", each) for n, each in enumerate(asked)],
        StartTime=since,
        EndTime=datetime.now(UTC) + timedelta(seconds=_PERIOD),  # the hour that is not over too
    ):
        for each in page["MetricDataResults"]:
            item, factor, *_ = asked[int(each["Id"][1:])]
            found[item] += sum(each["Values"]) * factor
    return found


def _asked(names: Mapping[str, str]) -> Iterator[tuple[str, float, str, str, str, str]]:
    """Give price item, factor, namespace, metric, dimension and its value of what is counted."""
    yield "api_requests", 1, "AWS/ApiGateway", "Count", "ApiId", names["Api"]
    table = names["Table"]
    for item, metric in (("write_units", "Write"), ("read_units", "Read")):
        counted = f"Consumed{metric}CapacityUnits"
        yield item, 1, "AWS/DynamoDB", counted, "TableName", table
    for function in _FUNCTIONS:
        name = names[function]
        made = boto3.client("lambda").get_function_configuration(FunctionName=name)
        yield "invocations", 1, "AWS/Lambda", "Invocations", "FunctionName", name
        gb = made["MemorySize"] / 1024 / 1000
        yield "gb_seconds", gb, "AWS/Lambda", "Duration", "FunctionName", name
    for queue in _QUEUES:
        name = names[queue].rsplit("/", 1)[-1]
        for metric in ("Sent", "Received", "Deleted"):
            counted = f"NumberOfMessages{metric}"
            yield "queue_requests", 1, "AWS/SQS", counted, "QueueName", name
        yield "queue_requests", 1, "AWS/SQS", "NumberOfEmptyReceives", "QueueName", name
    for group in ("InboxLogs", "MatcherLogs", "RunnerLogs"):
        yield "log_gb", 1e-9, "AWS/Logs", "IncomingBytes", "LogGroupName", names[group]


def _query(number: str, asked: tuple[str, float, str, str, str, str]) -> Any:
    _, _, namespace, metric, dimension, value = asked
    dimensions = [{"Name": dimension, "Value": value}]
    about = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": number, "MetricStat": {"Metric": about, "Period": _PERIOD, "Stat": "Sum"}}
