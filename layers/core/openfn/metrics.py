"""What the functions count for CloudWatch: a log line in the embedded metric format."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


class Metric(StrEnum):
    """All that is counted; template.yaml shows or watches each, under its function's name."""

    KEPT = "Answers200"
    UNREADABLE = "Answers400"
    NOT_ADMITTED = "Answers401"
    NO_INBOX = "Answers404"
    TOO_LARGE = "Answers413"
    NOT_KEPT = "Answers503"
    TICKS = "Ticks"
    """Ticks of the clock, once all is done that they ask for."""
    MATCHED = "MessagesMatched"
    UNMATCHED = "MessagesUnmatched"
    QUEUED_LATE = "QueuedLate"
    """Messages and runs found where they should not have been, and queued."""
    CIRCUITS_OPEN = "CircuitsOpen"
    """Circuits that are open at a tick: a level, not a count."""
    CIRCUITS_OPENED = "CircuitsOpened"
    SUCCEEDED = "RunsSucceeded"
    FAILED = "RunsFailed"
    WAITING = "RunsWaiting"
    """Attempts that failed for now: their runs are tried again."""
    TIMED_OUT = "RunsTimedOut"
    EMITTED = "MessagesEmitted"
    RUN_DURATION = "RunDuration"
    """What an attempt took (ms)."""
    DELIVERY_TIME = "DeliveryTime"
    """From the receipt of a message to the end of a run on it that succeeded (ms)."""


def of_answer(status: int) -> Metric:
    """Give the metric that counts an HTTP status the inboxes answer with."""
    return Metric(f"Answers{status}")


def write(
    service: str, counts: Mapping[Metric, int], milliseconds: Mapping[Metric, int] | None = None
) -> None:
    """Write counts and durations by name; a count of zero is left out, and a line of nothing."""
    metrics = EphemeralMetrics(service=service)
    for name, count in counts.items():
        if count:  # a zero would cost log volume, the largest bill, and say nothing
            metrics.add_metric(name, MetricUnit.Count, count)
    for name, duration in (milliseconds or {}).items():
        metrics.add_metric(name, MetricUnit.Milliseconds, duration)
    if metrics.metric_set:
        metrics.flush_metrics()
