"""What the functions count for CloudWatch: a log line in the embedded metric format."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


def write(
    service: str, counts: Mapping[str, int], milliseconds: Mapping[str, int] | None = None
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
