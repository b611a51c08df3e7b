"""What a stack has used since a time, and what it costs at list prices.

CloudWatch counts the use by the hour. If it has no data for a stack (such as the one of
`ofn serve`), the use is estimated from the number of messages and runs, with the amounts of
docs/scale.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from openfn.history import messages, runs
from openfn.history.queries import Period
from openfn.metrics import Metric
from workbench.errors import CommandError
from workbench.stack import local
from workbench.stack.clients import of_stack
from workbench.stack.prices import prices

_PERIOD = 3600
_FUNCTIONS = ("InboxFunction", "MatcherFunction", "RunnerFunction")
_QUEUES = ("MatchQueue", "RunQueue")
_VERBS = ("Sent", "Received", "Deleted")
METRICS = len(Metric)
"""The number of metrics that a stack defines itself."""
# The use by one message, and by one run for it, in a quiet stack: `benchmarks.cost` measures it.
OF_A_MESSAGE = {
    "api_requests": 1.0,
    "invocations": 2.0,
    "gb_seconds": 0.048,
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
class Usage:
    """Amounts by the names of the price table, for a number of messages and runs."""

    amounts: Mapping[str, float]
    messages: int
    runs: int
    estimated: bool

    @property
    def dollars(self) -> dict[str, float]:
        """The cost of each amount in US dollars."""
        return {name: prices().cost_of(name, amount) for name, amount in self.amounts.items()}


@dataclass(frozen=True, slots=True)
class _Measure:
    """A metric of CloudWatch, and the amount of the price table that it adds to."""

    amount: str
    factor: float
    namespace: str
    metric: str
    dimension: str
    value: str

    def query(self, identifier: str) -> Any:
        dimensions = [{"Name": self.dimension, "Value": self.value}]
        metric = {
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "Dimensions": dimensions,
        }
        statistic = {"Metric": metric, "Period": _PERIOD, "Stat": "Sum"}
        return {"Id": identifier, "MetricStat": statistic}


def read(stack: str, since: datetime) -> Usage:
    """Return what a stack has used since a time."""
    period = Period(since, datetime.now(UTC) + timedelta(minutes=1))
    message_count = sum(1 for _ in messages.newest_first(period))
    run_count = sum(1 for _ in runs.newest_first(period))
    measured = _measure(stack, since)
    if any(measured.values()):
        return Usage(measured, message_count, run_count, estimated=False)
    estimate = {
        name: message_count * amount + run_count * OF_A_RUN.get(name, 0)
        for name, amount in OF_A_MESSAGE.items()
    }
    return Usage(estimate, message_count, run_count, estimated=True)


def _measure(stack: str, since: datetime) -> dict[str, float]:
    if local.active():
        raise CommandError("A stack on this machine costs nothing. Name one in AWS with --stack.")
    response = of_stack("cloudformation").describe_stack_resources(StackName=stack)
    names = {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
        for resource in response["StackResources"]
    }
    measures = list(_measures({**names, "Api": names.get("Api", "none")}))
    pages = of_stack("cloudwatch").get_paginator("get_metric_data")
    amounts = {measure.amount: 0.0 for measure in measures}
    for page in pages.paginate(
        MetricDataQueries=[measure.query(f"q{n}") for n, measure in enumerate(measures)],
        StartTime=since,
        EndTime=datetime.now(UTC) + timedelta(seconds=_PERIOD),  # with the current hour
    ):
        for result in page["MetricDataResults"]:
            measure = measures[int(result["Id"][1:])]
            amounts[measure.amount] += sum(result["Values"]) * measure.factor
    return amounts


def _measures(names: Mapping[str, str]) -> Iterator[_Measure]:
    yield _Measure("api_requests", 1, "AWS/ApiGateway", "Count", "ApiId", names["Api"])
    for amount, metric in (("write_units", "Write"), ("read_units", "Read")):
        units = f"Consumed{metric}CapacityUnits"
        yield _Measure(amount, 1, "AWS/DynamoDB", units, "TableName", names["Table"])
    for function in _FUNCTIONS:
        name = names[function]
        configuration = of_stack("lambda").get_function_configuration(FunctionName=name)
        yield _Measure("invocations", 1, "AWS/Lambda", "Invocations", "FunctionName", name)
        gb = configuration["MemorySize"] / 1024 / 1000
        yield _Measure("gb_seconds", gb, "AWS/Lambda", "Duration", "FunctionName", name)
    for queue in _QUEUES:
        name = names[queue].rsplit("/", 1)[-1]
        for metric in (*(f"NumberOfMessages{verb}" for verb in _VERBS), "NumberOfEmptyReceives"):
            yield _Measure("queue_requests", 1, "AWS/SQS", metric, "QueueName", name)
    for group in ("InboxLogs", "MatcherLogs", "RunnerLogs"):
        yield _Measure("log_gb", 1e-9, "AWS/Logs", "IncomingBytes", "LogGroupName", names[group])
