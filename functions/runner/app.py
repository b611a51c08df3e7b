"""A queued run → execute its job, keep how it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

import adaptors.http  # noqa: F401 - made ready during INIT, where a function has a whole processor
from openfn import aws, credentials, joblog, messages, project, queues, runs, states
from openfn.errors import JobError, NotFound, ProjectError, UnreadableBody, place
from openfn.expressions import execute, load
from openfn.runs import Outcome, Run

# A run is not begun in the last seconds of an invocation; its id stays on the queue.
_SECONDS_FOR_A_RUN = 10.0
_logger = Logger(service="runner", location=None)


class Context(Protocol):
    """What the runner needs of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until Lambda stops the function."""


def lambda_handler(event: dict[str, Any], context: Context) -> Mapping[str, Any]:
    """Take a batch of the run queue."""
    return queues.process(event, "run_id", partial(_run_all, context))


def _run_all(context: Context, run_ids: Sequence[str]) -> Mapping[str, Exception]:
    errors: dict[str, Exception] = {}
    for run_id in run_ids:
        seconds = context.get_remaining_time_in_millis() / 1000
        try:
            if seconds < _SECONDS_FOR_A_RUN:
                raise TimeoutError("no time is left for another run")
            if run := runs.claim(run_id, seconds):
                _run(run)
        except Exception as error:
            _logger.error("run not executed", extra={"run_id": run_id, **place(error)})
            errors[run_id] = error
    return errors


def _run(run: Run) -> None:
    lines: list[str] = []
    began = time.monotonic()
    final, error = None, None
    try:
        with joblog.capture(lines.append):
            final = _execute(run)
    except JobError as job_error:
        error = job_error
    except aws.Trouble:
        raise  # the id stays on the queue, and the run is claimed again when its lease has ended
    except (ProjectError, NotFound, UnreadableBody) as mistake:
        error = JobError(type(mistake).__name__, str(mistake), "loading", 0)
    except Exception as unforeseen:
        error = JobError(type(unforeseen).__name__, "see the function's log", "loading", 0)
        _logger.error("run failed in the runner", extra={"run_id": run.id, **place(unforeseen)})
    duration_ms = round((time.monotonic() - began) * 1000)
    outcome = Outcome("".join(lines), duration_ms, final, error)
    runs.finish(run, outcome)
    _tell(run, outcome)


def _execute(run: Run) -> bytes:
    job = project.current().jobs.get(run.job)
    if job is None:
        raise ProjectError(f"the project has no job {run.job} any more")
    message = messages.read([run.message_id]).get(run.message_id)
    if message is None:
        raise NotFound(f"the message {run.message_id} has expired")
    state = states.initial(message, credentials.configuration(job.credential))
    return states.kept(execute(load(job.expression), state, job.expression))


def _tell(run: Run, outcome: Outcome) -> None:
    about: dict[str, Any] = {"run_id": run.id, "job": run.job, "duration_ms": outcome.duration_ms}
    if outcome.error:
        # Not the error's text: it may quote the message. The run keeps it.
        about |= {"error": outcome.error.type, "operation": outcome.error.operation}
        about |= {"line": outcome.error.line, "verdict": outcome.error.verdict}
    _logger.info(f"run {outcome.status}", extra=about)
    metrics = EphemeralMetrics(service="runner")
    name = "RunsFailed" if outcome.error else "RunsSucceeded"
    metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.add_metric("RunDuration", MetricUnit.Milliseconds, outcome.duration_ms)
    metrics.flush_metrics()
