"""A queued run → execute its job, keep how it ended, hand on to flow triggers and inboxes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from aws_lambda_powertools import Logger

import adaptors.http  # noqa: F401 - made ready during INIT, where a function has a whole processor
from adaptors import outbox
from openfn import (
    aws,
    circuits,
    credentials,
    deadline,
    dispatch,
    emissions,
    joblog,
    metrics,
    outcomes,
    project,
    queues,
    retries,
    runs,
    states,
)
from openfn.aws import Setting
from openfn.circuits import Way
from openfn.emissions import Emission
from openfn.errors import (
    JobError,
    NotFound,
    NotQueued,
    ProjectError,
    UnreadableBody,
    Waits,
    place,
)
from openfn.expressions import Operation, Progress, execute, load
from openfn.outcomes import Outcome, Resume
from openfn.project import Job
from openfn.queues import Queued
from openfn.runs import Plan, Run
from openfn.states import State
from openfn.triggers import Kind

# A run is not begun in the last seconds of an invocation, and one that takes until then is stopped.
_SECONDS_FOR_A_RUN, _SECONDS_TO_RECORD = 6.0, 5.0
# A job that takes its runner with it so often will do so again.
_CRASHES = 3
_LOADING = "loading"
_COUNTED = {
    runs.SUCCEEDED: "RunsSucceeded",
    runs.FAILED: "RunsFailed",
    runs.WAITING: "RunsWaiting",
}
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


@dataclass(slots=True)
class _Attempt:
    """What comes of one attempt at a run while it lasts."""

    run: Run
    names: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    lines: list[str] = field(default_factory=list)
    emitted: list[Emission] = field(default_factory=list)
    initial: bytes | None = None
    final: bytes | None = None

    def take(self, inbox: str, body: str) -> None:
        """Take what the job emits."""
        self.emitted.append(emissions.accept(self.run, inbox, body))

    def resume(self) -> Resume | None:
        """Give where the next attempt can go on."""
        number, state = self.progress.operation, self.progress.state
        return None if state is None else Resume(number, self.names[: number + 1], state)


def _run_one(context: Context, run_id: str) -> None:
    seconds = context.get_remaining_time_in_millis() / 1000
    if seconds < _SECONDS_FOR_A_RUN:
        raise TimeoutError("no time is left for another run")
    run = runs.claim(run_id, seconds)
    if run.status == runs.RUNNING:
        run = _through_circuit(run, seconds - _SECONDS_TO_RECORD)
    if run.ended:
        # One that ended before may have been stopped on its way to here.
        _hand_on(run)
    elif run.plan.order:
        raise Waits(max(0, run.due - int(time.time())))


def _not_executed(queued: Queued, error: Exception) -> None:
    if isinstance(error, Waits):
        aws.hide(Setting.RUN_QUEUE_URL, queued.receipt, error.seconds)
    else:
        _logger.error("run not executed", extra={"run_id": queued.id, **place(error)})


def _through_circuit(run: Run, seconds: float) -> Run:
    job = project.current().jobs.get(run.job)
    if job is None or job.credential is None:
        return _run(run, seconds)[0]
    way = circuits.way_to(job.credential)
    if way is Way.SHUT:
        until = int(circuits.read(job.credential).get("until", 0))
        parked = circuits.parked(job.credential)
        return outcomes.park(run, parked, until, queued=bool(run.plan.order))
    ended, error = _run(run, seconds)
    if error is None:
        circuits.succeeded(job.credential, way)
    elif error.verdict == retries.FOR_NOW and error.operation != _LOADING:
        if circuits.failed(job.credential, way):
            _logger.warning("circuit open", extra={"credential": job.credential})
            metrics.write("runner", {"CircuitsOpened": 1})
    elif way is Way.PROBE:
        circuits.succeeded(job.credential, way)  # it answered, if only to refuse this one
    return ended


def _run(run: Run, seconds: float) -> tuple[Run, JobError | None]:
    attempt, error = _Attempt(run), None
    began = time.monotonic()
    try:
        if run.crashed and outcomes.crashed(run) >= _CRASHES:
            raise ProjectError(f"its runner died {_CRASHES} times at it: does it need more memory?")
        with joblog.capture(attempt.lines.append), outbox.handing_to(attempt.take):
            _execute(attempt, seconds)
    except (Exception, deadline.TimedOut) as failure:
        error = _error(run, failure)
    outcome = Outcome("".join(attempt.lines), round((time.monotonic() - began) * 1000), error=error)
    ended = _fail(attempt, outcome, error) if error else _succeed(attempt, outcome)
    _tell(ended, outcome)
    return ended, error


def _succeed(attempt: _Attempt, outcome: Outcome) -> Run:
    emitted = emissions.kept(attempt.emitted)
    return outcomes.finish(attempt.run, replace(outcome, final=attempt.final, emitted=emitted))


def _fail(attempt: _Attempt, outcome: Outcome, error: JobError) -> Run:
    run, job = attempt.run, project.current().jobs.get(attempt.run.job)
    outcome = replace(outcome, initial=attempt.initial)
    if job and not job.retry.fresh and (resume := attempt.resume()):
        # Also for one that has failed for good: it may be replayed.
        emitted = emissions.kept(attempt.emitted)
        outcome = replace(outcome, resume=resume, emitted=emitted)
    due = job and retries.next_due(job.retry, run.tries, run.began, error, time.time())
    if not due:
        return outcomes.finish(run, outcome)
    return outcomes.wait(run, outcome, due, queued=bool(run.plan.order))


def _execute(attempt: _Attempt, seconds: float) -> None:
    run = attempt.run
    job = project.current().jobs.get(run.job)
    if job is None:
        raise ProjectError(f"the project has no job {run.job} any more")
    with deadline.within(seconds):
        operations = load(job.expression)
        state = _begin(attempt, job, operations)
        state["configuration"] = credentials.configuration(job.credential)
        attempt.final = states.kept(execute(operations, state, job.expression, attempt.progress))


def _begin(attempt: _Attempt, job: Job, operations: Sequence[Operation]) -> State:
    attempt.names = tuple(each.name for each in operations)
    resume = None if job.retry.fresh else outcomes.resume_of(attempt.run)
    # A job that was mended meanwhile goes on too, unless what it has done already was changed.
    if resume and resume.names == attempt.names[: resume.operation + 1]:
        attempt.progress.operation = resume.operation
        attempt.emitted += emissions.taken(attempt.run)
        resumed: State = json.loads(resume.state)
        return resumed
    initial = states.initial(attempt.run)
    if attempt.run.plan.kind is Kind.CRON:
        # What the clock's job begins with cannot be had again once a later run has succeeded.
        attempt.initial = states.kept(initial)
    return states.begun(initial)


def _error(run: Run, failure: BaseException) -> JobError:
    kind, verdict = type(failure).__name__, "author"
    if isinstance(failure, JobError):
        return failure
    if isinstance(failure, ProjectError | NotFound | UnreadableBody):
        return JobError(kind, str(failure), _LOADING, 0)
    if isinstance(failure, deadline.TimedOut):
        return JobError(kind, str(failure), _LOADING, 0, failure.verdict)
    if isinstance(failure, aws.Trouble):
        verdict = retries.FOR_NOW
    _logger.error("run failed in the runner", extra={"run_id": run.id, **place(failure)})
    return JobError(kind, "see the function's log", _LOADING, 0, verdict)


def _hand_on(run: Run) -> None:
    emitted, current = emissions.send(run), project.current()
    on = Kind.SUCCESS if run.status == runs.SUCCEEDED else Kind.FAILURE
    origin, order, depth = run.plan.origin, run.plan.order, run.plan.depth
    plans = [
        Plan(origin, job.name, trigger.name, on, run.job, order, depth)
        for trigger, job in current.following(run.job, on)
    ]
    if refused := dispatch.start(plans):
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
    if run.status == runs.WAITING:
        about |= {"attempt": run.attempt, "next": runs.stamp(run.due)}
    _logger.info(f"run {run.status}", extra=about)
    counts = {_COUNTED[run.status]: 1}
    if outcome.error and outcome.error.type == deadline.TimedOut.__name__:
        counts["RunsTimedOut"] = 1
    metrics.write("runner", counts, {"RunDuration": outcome.duration_ms})
