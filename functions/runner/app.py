"""A queued run → execute its job, keep how it ended, hand on to flow triggers and inboxes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from aws_lambda_powertools import Logger

import adaptors.http  # noqa: F401 - made ready during INIT, where a function has a whole processor
from adaptors import outbox
from openfn import aws, credentials, emissions, joblog, metrics, project, queues, runs, states
from openfn.emissions import Emission
from openfn.errors import JobError, NotFound, NotQueued, ProjectError, UnreadableBody, place
from openfn.expressions import execute, load
from openfn.queues import Queued
from openfn.runs import Outcome, Plan, Run
from openfn.states import State
from openfn.triggers import Kind

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


def _run_all(context: Context, queued: Sequence[Queued]) -> Mapping[str, Exception]:
    return queues.in_turn(queued, partial(_run_one, context), _not_executed)


def _run_one(context: Context, run_id: str) -> None:
    seconds = context.get_remaining_time_in_millis() / 1000
    if seconds < _SECONDS_FOR_A_RUN:
        raise TimeoutError("no time is left for another run")
    run = runs.claim(run_id, seconds)
    if not run.ended:
        run = _run(run)
    # One that ended before may have been stopped on its way to here.
    _hand_on(run)


def _not_executed(run_id: str, error: Exception) -> None:
    _logger.error("run not executed", extra={"run_id": run_id, **place(error)})


def _run(run: Run) -> Run:
    lines: list[str] = []
    emitted: list[Emission] = []
    began = time.monotonic()
    final, initial, error = None, None, None
    try:
        state = states.initial(run)
        # What the clock's job began with cannot be had again once a later run has succeeded.
        initial = states.kept(state) if run.plan.kind is Kind.CRON else None
        with joblog.capture(lines.append), outbox.handing_to(partial(_take, run, emitted)):
            final = _execute(run, state)
    except aws.Trouble:
        raise  # the id stays on the queue, and the run is claimed again when its lease has ended
    except Exception as failure:
        error = _error(run, failure)
    log, duration_ms = "".join(lines), round((time.monotonic() - began) * 1000)
    if error:
        outcome = Outcome(log, duration_ms, error=error, initial=initial)
    else:
        outcome = Outcome(log, duration_ms, final=final, emitted=emissions.kept(emitted))
    ended = runs.finish(run, outcome)
    _tell(run, outcome)
    return ended


def _take(run: Run, emitted: list[Emission], inbox: str, body: str) -> None:
    emitted.append(emissions.accept(run, inbox, body))


def _execute(run: Run, state: State) -> bytes:
    job = project.current().jobs.get(run.job)
    if job is None:
        raise ProjectError(f"the project has no job {run.job} any more")
    begun = states.begun(state, credentials.configuration(job.credential))
    return states.kept(execute(load(job.expression), begun, job.expression))


def _error(run: Run, failure: Exception) -> JobError:
    if isinstance(failure, JobError):
        return failure
    if isinstance(failure, ProjectError | NotFound | UnreadableBody):
        return JobError(type(failure).__name__, str(failure), "loading", 0)
    _logger.error("run failed in the runner", extra={"run_id": run.id, **place(failure)})
    return JobError(type(failure).__name__, "see the function's log", "loading", 0)


def _hand_on(run: Run) -> None:
    emitted, current = emissions.send(run), project.current()
    on = Kind.SUCCESS if run.status == runs.SUCCEEDED else Kind.FAILURE
    origin, order, depth = run.plan.origin, run.plan.order, run.plan.depth
    plans = [
        Plan(origin, job.name, trigger.name, on, run.job, order, depth)
        for trigger, job in current.following(run.job, on)
    ]
    runs.create(plans, current.version)
    if refused := runs.queue(plans):
        raise NotQueued(f"the run queue did not take {', '.join(refused)}")
    if emitted:
        _logger.info("messages emitted", extra={"run_id": run.id, "messages": emitted})
    for plan in plans:
        _logger.info("run follows", extra={"run_id": plan.id, "job": plan.job, "after": run.job})
    metrics.write("runner", {"MessagesEmitted": emitted, "RunsCreated": len(plans)})


def _tell(run: Run, outcome: Outcome) -> None:
    about: dict[str, Any] = {"run_id": run.id, "job": run.job, "duration_ms": outcome.duration_ms}
    if outcome.error:
        # Not the error's text: it may quote the message. The run keeps it.
        about |= {"error": outcome.error.type, "operation": outcome.error.operation}
        about |= {"line": outcome.error.line, "verdict": outcome.error.verdict}
    _logger.info(f"run {outcome.status}", extra=about)
    name = "RunsFailed" if outcome.error else "RunsSucceeded"
    metrics.write("runner", {name: 1}, {"RunDuration": outcome.duration_ms})
