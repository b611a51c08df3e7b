"""CloudWatch metrics of the functions, written as log lines in the embedded metric format."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from enum import StrEnum

from openfn.storage import aws


class Metric(StrEnum):
    """All metrics; template.yaml shows or watches each under its function's name."""

    STORED = "Answers200"
    UNREADABLE = "Answers400"
    UNAUTHORIZED = "Answers401"
    FORBIDDEN = "Answers403"
    """Challenges of services whose token is wrong."""
    UNKNOWN_INBOX = "Answers404"
    TOO_LARGE = "Answers413"
    NOT_STORED = "Answers503"
    QUERIES_IGNORED = "QueriesIgnored"
    """GET and HEAD requests with a query, to inboxes that do not accept them as messages."""
    TICKS = "Ticks"
    """Ticks of the clock whose work is complete."""
    MATCHED = "MessagesMatched"
    UNMATCHED = "MessagesUnmatched"
    UNMATCHABLE = "MessagesUnmatchable"
    """Messages that the matcher could not compare with the triggers."""
    QUEUED_LATE = "QueuedLate"
    """Messages and runs that were stored but not queued, and are queued by a tick."""
    CIRCUITS_OPEN = "CircuitsOpen"
    """Circuits that are open at a tick: a level, not a count."""
    CIRCUITS_OPENED = "CircuitsOpened"
    SUCCEEDED = "RunsSucceeded"
    FAILED = "RunsFailed"
    WAITING = "RunsWaiting"
    """Attempts that failed and whose runs are retried."""
    TIMED_OUT = "RunsTimedOut"
    EMITTED = "MessagesEmitted"
    RUN_DURATION = "RunDuration"
    """Duration of an attempt (ms)."""
    DELIVERY_TIME = "DeliveryTime"
    """From the receipt of a message to the end of a successful run on it (ms)."""


def for_response(status: int) -> Metric:
    """Return the metric that counts responses of the inbox with an HTTP status."""
    return Metric(f"Answers{status}")


def write(
    service: str, counts: Mapping[Metric, int], milliseconds: Mapping[Metric, int] | None = None
) -> None:
    """Log counts and durations by metric, without counts of zero and without empty lines."""
    # A zero would add log volume, the largest cost, and no information.
    units = {metric: "Count" for metric, count in counts.items() if count}
    units |= dict.fromkeys(milliseconds or {}, "Milliseconds")
    if not units:
        return
    directive = {
        "Namespace": aws.metrics_namespace(),
        "Dimensions": [["service"]],
        "Metrics": [{"Name": metric, "Unit": unit} for metric, unit in units.items()],
    }
    values = {**counts, **(milliseconds or {})}
    event: dict[str, object] = {
        "_aws": {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "service": service,
        **{metric: [float(values[metric])] for metric in units},
    }
    print(json.dumps(event, separators=(",", ":")))  # noqa: T201 - CloudWatch reads the log
