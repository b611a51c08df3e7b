"""A queued run → execute its job, keep how it ended, hand on to flow triggers and inboxes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from adaptors._http import tls
from adaptors._runtime import emit, run_context
from openfn import ids, metrics
from openfn.errors import NotQueued, Waits, place
from openfn.jobs import attempt, timeout
from openfn.log_events import LogEvent
from openfn.metrics import Metric
from openfn.project import compiled as project
from openfn.project import retry_policy
from openfn.project.triggers import Kind
from openfn.runs import circuit_breaker, dispatch, erasure, outcomes
from openfn.runs import outbox as emissions
from openfn.runs import store as runs
from openfn.runs.circuit_breaker import Way
from openfn.runs.model import Run, RunStatus
from openfn.runs.outcomes import Outcome
from openfn.storage import attention, aws, sqs_batch, table
from openfn.storage.aws import Setting
from openfn.storage.sqs_batch import Queued

# A run is not begun in the last seconds of an invocation, and one that takes until then is stopped.
_SECONDS_FOR_A_RUN, _SECONDS_TO_RECORD = 6.0, 5.0
_COUNTED = {
    RunStatus.SUCCEEDED: Metric.SUCCEEDED,
    RunStatus.FAILED: Metric.FAILED,
    RunStatus.WAITING: Metric.WAITING,
}
_logger = Logger(service="runner", location=None)
# Made ready during INIT, where a function has a whole processor: what the jobs import, and the
# public authorities.
for _adaptor in project.current().adaptors:
    import_module(f"adaptors.{_adaptor}")
tls.ssl_context()


class Context(Protocol):
    """What the runner needs of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until Lambda stops the function."""


def lambda_handler(event: dict[str, Any], context: Context) -> Mapping[str, Any]:
    """Take a batch of the run queue."""
    return sqs_batch.process(event, "run_id", partial(_run_all, context))


def _run_all(context: Context, queued: Sequence[Queued]) -> Mapping[str, Exception]:
    return sqs_batch.in_turn(queued, partial(_run_one, context), _not_executed)


def _run_one(context: Context, run_id: str) -> None:
    seconds = context.get_remaining_time_in_millis() / 1000
    if seconds < _SECONDS_FOR_A_RUN:
        raise TimeoutError("no time is left for another run")
    run = runs.claim(run_id, seconds)
    if run.status == RunStatus.RUNNING:
        run = _through_circuit(run, seconds - _SECONDS_TO_RECORD)
    if run.has_ended:
        # One that ended before may have been stopped on its way to here.
        _hand_on(run)
    elif run.plan.order:
        raise Waits(max(0, run.due - int(time.time())))


def _not_executed(queued: Queued, error: Exception) -> None:
    if isinstance(error, Waits):
        aws.hide(Setting.RUN_QUEUE_URL, queued.receipt, error.seconds)
    else:
        _logger.error(LogEvent.RUN_NOT_EXECUTED, extra={"run_id": queued.id, **place(error)})


def _through_circuit(run: Run, seconds: float) -> Run:
    job = project.current().jobs.get(run.job)
    if job is None or job.credential is None:
        return _run(run, seconds)[0]
    way = circuit_breaker.way_to(job.credential)
    if way is Way.SHUT:
        until = int(circuit_breaker.read(job.credential).get("until", 0))
        parked = attention.behind_circuit(job.credential)
        return outcomes.park(run, parked, until, queued=bool(run.plan.order))
    ended, outcome = _run(run, seconds)
    _judge(job.credential, way, outcome)
    return ended


def _judge(credential: str, way: Way, outcome: Outcome) -> None:
    error = outcome.error
    if error and error.verdict == retry_policy.FOR_NOW and error.operation != attempt.LOADING:
        if circuit_breaker.failed(credential, way):
            _logger.warning(LogEvent.CIRCUIT_OPEN, extra={"credential": credential})
            metrics.write("runner", {Metric.CIRCUITS_OPENED: 1})
    elif error is None or way is Way.PROBE:  # it answered, if only to refuse this one
        circuit_breaker.succeeded(credential, way)


def _run(run: Run, seconds: float) -> tuple[Run, Outcome]:
    with run_context.run_context(run.id, datetime.fromtimestamp(run.began, UTC)):
        outcome = attempt.make(
            run, seconds, emit.emit_to, run_context.attempt, partial(_unforeseen, run)
        )
    job, error, due = project.current().jobs.get(run.job), outcome.error, None
    if job and error:
        due = retry_policy.next_due(job.retry, run.tries, run.began, error, time.time())
    if due:
        ended = outcomes.wait(run, outcome, due, queued=bool(run.plan.order))
    else:
        ended = outcomes.finish(run, outcome)
    _tell(ended, outcome)
    return ended, outcome


def _unforeseen(run: Run, failure: BaseException) -> None:
    _logger.error(LogEvent.RUN_FAILED_UNEXPECTEDLY, extra={"run_id": run.id, **place(failure)})


def _hand_on(run: Run) -> None:
    emitted, current = emissions.send(run), project.current()
    on = Kind.SUCCESS if run.status == RunStatus.SUCCEEDED else Kind.FAILURE
    plans = [
        replace(run.plan, job=job.name, trigger=trigger.name, kind=on, upstream=run.job)
        for trigger, job in current.following(run.job, on)
    ]
    if refused := dispatch.start(plans):
        raise NotQueued(f"the run queue did not take {', '.join(refused)}")
    if emitted:
        _logger.info(LogEvent.MESSAGES_EMITTED, extra={"run_id": run.id, "messages": emitted})
    for plan in plans:
        _logger.info(
            LogEvent.RUN_FOLLOWS, extra={"run_id": plan.id, "job": plan.job, "after": run.job}
        )
    metrics.write("runner", {Metric.EMITTED: emitted})
    if run.plan.erase and not plans and erasure.erase(run.plan.origin):
        _logger.info(LogEvent.ERASED, extra={"message_id": run.plan.origin})


def _tell(run: Run, outcome: Outcome) -> None:
    about: dict[str, Any] = {"run_id": run.id, "job": run.job, "duration_ms": outcome.duration_ms}
    if outcome.error:
        # Not the error's text: it may quote the message. The run keeps it.
        about |= {"error": outcome.error.type, "operation": outcome.error.operation}
        about |= {"line": outcome.error.line, "verdict": outcome.error.verdict}
    if run.status == RunStatus.WAITING:
        about |= {"attempt": run.attempt, "next": table.timestamp(run.due)}
    _logger.info(LogEvent(f"run {run.status}"), extra=about)
    counts = {_COUNTED[run.status]: 1}
    if outcome.error and outcome.error.type == timeout.TimedOut.__name__:
        counts[Metric.TIMED_OUT] = 1
    metrics.write("runner", counts, {Metric.RUN_DURATION: outcome.duration_ms, **_delivery(run)})


def _delivery(run: Run) -> dict[Metric, int]:
    # A message that is run again much later would say nothing of how long others take.
    if run.status != RunStatus.SUCCEEDED or run.plan.kind is not Kind.MESSAGE or run.replayed:
        return {}
    seconds = time.time() - ids.received_at(run.id).timestamp()
    return {Metric.DELIVERY_TIME: max(0, round(seconds * 1000))}
