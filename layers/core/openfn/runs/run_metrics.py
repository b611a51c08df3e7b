"""Count the outcomes of runs, and measure how long they took."""

from __future__ import annotations

import time

from openfn import ids, metrics
from openfn.metrics import Metric
from openfn.project.triggers import Kind
from openfn.runs.model import Run, RunStatus
from openfn.runs.outcomes import Outcome

_COUNTS = {
    RunStatus.SUCCEEDED: Metric.SUCCEEDED,
    RunStatus.FAILED: Metric.FAILED,
    RunStatus.WAITING: Metric.WAITING,
}
_TIMED_OUT = "TimedOut"


def write(run: Run, outcome: Outcome) -> None:
    """Log the metrics of an attempt whose outcome is recorded."""
    counts = {_COUNTS[run.status]: 1}
    if outcome.error and outcome.error.type == _TIMED_OUT:
        counts[Metric.TIMED_OUT] = 1
    durations = {Metric.RUN_DURATION: outcome.duration_ms, **_delivery_time(run)}
    metrics.write("runner", counts, durations)


def _delivery_time(run: Run) -> dict[Metric, int]:
    # Replayed runs would distort the metric: their messages came long ago.
    is_first_run_of_message = run.plan.kind is Kind.MESSAGE and not run.was_replayed
    if run.status is not RunStatus.SUCCEEDED or not is_first_run_of_message:
        return {}
    seconds = time.time() - ids.received_at(run.id).timestamp()
    return {Metric.DELIVERY_TIME: max(0, round(seconds * 1000))}
