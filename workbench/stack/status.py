"""The status of a stack: its table, its queues, its refused posts and its alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from openfn import metrics
from openfn.history import status
from openfn.history.status import Status
from openfn.metrics import Metric
from openfn.storage import monitoring
from workbench.stack.clients import of_stack

_STATUSES = ("400", "401", "403", "404", "413", "503")
_REFUSALS = {metrics.for_response(int(status)): status for status in _STATUSES}


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The status of a stack; `refused` and the counts of `table` cover a period."""

    table: Status
    queues: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, int]
    """Posts that were not accepted, by HTTP status, where CloudWatch has counted them."""
    queries_ignored: int
    """GET and HEAD requests whose query was not stored."""
    alarms: tuple[str, ...]
    """The names of the alarms in the state ALARM."""

    def as_dict(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        last = self.table.last.isoformat() if self.table.last else None
        others = {
            "queues": self.queues,
            "refused": self.refused,
            "queries_ignored": self.queries_ignored,
            "alarms": list(self.alarms),
        }
        return {**asdict(self.table), "last": last, **others}


def read(stack: str, since: datetime) -> StackStatus:
    """Return the status of a stack, with counts since a time."""
    counts = _count(stack, since)
    return StackStatus(
        table=status.read(since),
        queues={name: asdict(depth) for name, depth in monitoring.queue_depths(stack).items()},
        refused={
            status: count for metric, status in _REFUSALS.items() if (count := counts[metric])
        },
        queries_ignored=counts[Metric.QUERIES_IGNORED],
        alarms=monitoring.alarms(stack),
    )


def _count(stack: str, since: datetime) -> dict[Metric, int]:
    """Return the sum of each counted metric of the inbox."""
    counted = [*_REFUSALS, Metric.QUERIES_IGNORED]
    queries: list[Any] = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": f"OpenFn/{stack}",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "service", "Value": "inbox"}],
                },
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for number, metric in enumerate(counted)
    ]
    response = of_stack("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=since, EndTime=datetime.now(UTC) + timedelta(hours=1)
    )
    results = response["MetricDataResults"]
    sums = {result["Id"]: round(sum(result["Values"])) for result in results}
    return {metric: sums.get(f"m{number}", 0) for number, metric in enumerate(counted)}
