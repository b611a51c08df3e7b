"""Execute queued runs, record their outcomes, and publish what follows from them.

The ids of a batch go through these stages: those of one group one after the other, the rest side by
side, each group in a thread of its own.

1. Claim the run. Only one runner gets it; a run that has ended is returned as it is.
2. Acquire the circuit of the job's credential. If it is open, park the run: that is no attempt.
3. Execute the job in a worker, within its own time limit. Its outcome is a final state or an error.
4. Record the outcome: the run has ended, or waits for the retry that the retry policy allows.
5. Log and count the outcome, and update the circuit with it.
6. Publish what follows: emitted messages go to their inboxes, flow triggers start further runs.

A run that was recorded but not published (its runner died) is published when its id comes again.
An id whose run raises stays on the queue, as do the ids behind it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from openfn.workers import executors

_WORKER = Path(__file__).with_name("worker.py")
# First of all: the workers' zygote imports the adaptors while this process imports boto3.
executors.start(_WORKER)

from aws_lambda_powertools import Logger

from openfn import metrics
from openfn.errors import (
    GroupBlocked,
    NotBegun,
    NotClaimed,
    NotDue,
    NotFound,
    NotQueued,
    NotRecorded,
    Verdict,
    log_fields,
)
from openfn.jobs import attempt, exceptions, time_limit
from openfn.jobs.runtime import Executor
from openfn.jobs.time_limit import RunTimes, TimeLimit
from openfn.log_events import LogEvent
from openfn.metrics import Metric
from openfn.project import compiled as project
from openfn.project import retry_policy
from openfn.runs import (
    circuit_breaker,
    dispatch,
    erasure,
    follow_ups,
    outbox,
    outcomes,
    run_metrics,
    unexpected_errors,
)
from openfn.runs import store as runs
from openfn.runs.circuit_breaker import CircuitState
from openfn.runs.model import Run, RunStatus
from openfn.runs.outcomes import Outcome
from openfn.storage import attention, aws, sqs_batch, table
from openfn.storage.aws import Setting
from openfn.storage.sqs_batch import QueuedId
from openfn.workers import memory

# Errors that end by themselves. Any other that the runner itself raises is counted.
_PASSING = (aws.AWSError, NotClaimed, NotQueued)
_logger = Logger(service="runner", location=None, xray_trace_id=None, use_rfc3339=True)


class Context(Protocol):
    """The part of Lambda's context that the runner uses."""

    @property
    def memory_limit_in_mb(self) -> int:
        """The function's memory."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda stops the function."""


def lambda_handler(event: dict[str, Any], context: Context) -> Mapping[str, Any]:
    """Execute a batch of the run queue."""
    executor = executors.start(_WORKER)
    runs_at_once = int(aws.setting(Setting.RUNS_PER_RUNNER))
    executor.resize(memory.for_jobs(int(context.memory_limit_in_mb)), runs_at_once)
    seconds = context.get_remaining_time_in_millis() / 1000
    times = time_limit.divide(seconds, float(aws.setting(Setting.RUN_SECONDS)))
    work = partial(_process_all, executor, times)
    try:
        return sqs_batch.process(event, "run_id", work, sqs_batch.RUN_RECEIVES)
    finally:
        executor.settle()


def _process_all(
    executor: Executor, times: RunTimes, queued: Sequence[QueuedId]
) -> Mapping[str, Exception]:
    errors = sqs_batch.process_groups(queued, partial(_process, executor, times), _on_error)
    # Those that were not begun come again at once, behind the first of their group.
    for blocked in queued:
        if isinstance(errors.get(blocked.id), GroupBlocked):
            _show_again(blocked, 0)
    return errors


def _process(executor: Executor, times: RunTimes, run_id: str) -> None:
    """Claim a run, execute it, record its outcome and publish what follows."""
    limit = times.limit_now()
    try:
        run = runs.claim(run_id, limit.lease)
    except NotFound as error:  # it never comes back, and the runs behind it must not wait for it
        _logger.error(LogEvent.RUN_NOT_EXECUTED, extra={"run_id": run_id, **log_fields(error)})
        return
    if run.status is RunStatus.RUNNING:
        try:
            run = _execute_if_circuit_allows(run, limit, executor)
        except (NotRecorded, aws.AWSError):
            runs.release(run.id, run.claim)
            raise
    if run.has_ended:
        _publish_follow_ups(run)
    elif run.plan.order:
        raise NotDue(max(0, run.due - int(time.time())))


def _on_error(queued: QueuedId, error: Exception) -> bool:
    """Report an error; return whether the id is done nevertheless."""
    if isinstance(error, NotDue | NotBegun):
        _show_again(queued, error.seconds if isinstance(error, NotDue) else 0)
        return False
    cause = error.__cause__ if isinstance(error, NotRecorded) else None
    fields = log_fields(cause or error)
    _logger.error(LogEvent.RUN_NOT_EXECUTED, extra={"run_id": queued.id, **fields})
    if isinstance(error, _PASSING):
        return False
    try:
        if not unexpected_errors.count(queued.id, error):
            return False
    except aws.AWSError:
        return False
    _logger.error(LogEvent.RUN_FAILED, extra={"run_id": queued.id, **log_fields(error)})
    metrics.write("runner", {Metric.FAILED: 1})
    return True


def _show_again(queued: QueuedId, seconds: int) -> None:
    with suppress(aws.AWSError):  # otherwise it comes later
        aws.set_visibility_timeout(Setting.RUN_QUEUE_URL, queued.receipt_handle, seconds)


def _execute_if_circuit_allows(run: Run, limit: TimeLimit, executor: Executor) -> Run:
    job = project.current().jobs.get(run.job)
    if job is None or job.credential is None:
        run, _ = _execute(run, limit, executor)
        return run
    state = circuit_breaker.acquire(job.credential)
    if state is CircuitState.OPEN:
        circuit = attention.behind_circuit(job.credential)
        until = circuit_breaker.open_until(job.credential)
        return outcomes.park(run, circuit, until, queued=bool(run.plan.order))
    run, outcome = _execute(run, limit, executor)
    _update_circuit(job.credential, state, outcome)
    return run


def _execute(run: Run, limit: TimeLimit, executor: Executor) -> tuple[Run, Outcome]:
    try:
        outcome = attempt.execute_attempt(run, limit, executor, _on_unexpected_error)
        recorded = _record(run, outcome)
    except NotClaimed:
        raise
    except aws.AWSError as error:  # the run is executed again
        raise NotRecorded(f"The outcome of the run {run.id} was not stored.") from error
    except Exception as error:
        _on_unexpected_error(run.id, log_fields(error))
        outcome = attempt.unrecorded_outcome(error)
        recorded = outcomes.finish(run, outcome)
    _log_outcome(recorded, outcome)
    return recorded, outcome


def _on_unexpected_error(run_id: str, fields: Mapping[str, str]) -> None:
    _logger.error(LogEvent.RUN_FAILED_UNEXPECTEDLY, extra={"run_id": run_id, **fields})


def _record(run: Run, outcome: Outcome) -> Run:
    job, error, due = project.current().jobs.get(run.job), outcome.error, None
    if job and error:
        due = retry_policy.next_due(job.retry, run.tries, run.began, error, time.time())
    if due:
        return outcomes.schedule_retry(run, outcome, due, queued=bool(run.plan.order))
    return outcomes.finish(run, outcome)


def _update_circuit(credential: str, state: CircuitState, outcome: Outcome) -> None:
    error = outcome.error
    if error and error.verdict == Verdict.RETRYABLE and error.operation != exceptions.LOADING:
        if circuit_breaker.record_failure(credential, state):
            _logger.warning(LogEvent.CIRCUIT_OPEN, extra={"credential": credential})
            metrics.write("runner", {Metric.CIRCUITS_OPENED: 1})
    elif error is None or state is CircuitState.HALF_OPEN:  # it responded, even if it refused
        circuit_breaker.record_success(credential, state)


def _log_outcome(run: Run, outcome: Outcome) -> None:
    fields: dict[str, Any] = {"run_id": run.id, "job": run.job, "duration_ms": outcome.duration_ms}
    if error := outcome.error:
        # Without the error's text, which may quote the message; it is stored with the run.
        fields |= {"error": error.type, "operation": error.operation}
        fields |= {"line": error.line, "verdict": error.verdict}
    if run.status is RunStatus.WAITING:
        fields |= {"attempt": run.attempt, "next": table.timestamp(run.due)}
    _logger.info(LogEvent(f"run {run.status}"), extra=fields)
    run_metrics.write(run, outcome)


def _publish_follow_ups(run: Run) -> None:
    """Publish the emitted messages and start the runs of flow triggers; erase the contents last."""
    emitted, plans = outbox.publish(run), follow_ups.plan_follow_ups(run)
    if refused := dispatch.create_and_queue(plans):
        raise NotQueued(f"The run queue refused {', '.join(refused)}.")
    if emitted:
        _logger.info(LogEvent.MESSAGES_EMITTED, extra={"run_id": run.id, "messages": emitted})
        metrics.write("runner", {Metric.EMITTED: emitted})
    for plan in plans:
        fields = {"run_id": plan.id, "job": plan.job, "after": run.job}
        _logger.info(LogEvent.RUN_FOLLOWS, extra=fields)
    if run.plan.erase and erasure.erase(run):
        _logger.info(LogEvent.ERASED, extra={"message_id": run.plan.source_id})
