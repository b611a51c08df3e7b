"""One attempt at a run: its job is loaded, given its state and credential, and executed in time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from openfn.errors import JobError, NotFound, ProjectError, UnreadableBody
from openfn.jobs import credentials, output_capture, secret_masking, timeout
from openfn.jobs import state as states
from openfn.jobs.expression import Operation, Progress, execute, load
from openfn.jobs.state import State
from openfn.project import compiled as project
from openfn.project.compiled import Job
from openfn.project.retry_policy import FOR_NOW
from openfn.project.triggers import Kind
from openfn.runs import cron_state, outbox, outcomes
from openfn.runs.model import Run
from openfn.runs.outbox import Emission
from openfn.runs.outcomes import Outcome, Resume
from openfn.storage.aws import AWSError

LOADING = "loading"
"""The `operation` of an error that came before the first, or from none of them."""
ENDING = "ending"
"""The `operation` of an error that came after the last: what was done could not be committed."""
# A job that takes its runner with it so often will do so again.
_CRASHES = 3
Handing = Callable[[Callable[[str, str], object]], AbstractContextManager[None]]
"""Hands what jobs emit in a context to a function of inbox and body: `adaptors._runtime.emit`'s."""
Attempting = Callable[[], AbstractContextManager[Callable[[], bool]]]
"""Ends what adaptors have begun when an attempt ends: `adaptors._runtime.run_context`'s."""


@dataclass(slots=True)
class _Attempt:
    """What comes of an attempt while it lasts."""

    run: Run
    job: Job | None
    names: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    lines: list[str] = field(default_factory=list)
    emitted: list[tuple[int, Emission]] = field(default_factory=list)
    secret: dict[str, object] = field(default_factory=dict)
    initial: bytes | None = None
    final: bytes | None = None
    left_by: str = ""

    def take(self, inbox: str, body: str) -> None:
        """Take what the job emits, and note where an attempt that emits it again goes on."""
        self.emitted.append((self.progress.operation, outbox.accept(self.run, inbox, body)))

    def resume(self) -> Resume | None:
        """Give where the next attempt can go on; kept for good, since a failed run is replayed."""
        number, state = self.progress.operation, self.progress.state
        if state is None or self.job is None or self.job.retry.fresh:
            return None
        return Resume(number, self.names[: number + 1], state)


def make(
    run: Run,
    seconds: float,
    handing_to: Handing,
    attempting: Attempting,
    tell: Callable[[BaseException], None],
) -> Outcome:
    """Make an attempt at a claimed run and give its outcome; `tell` is told what nobody foresaw.

    A job that takes longer than so many seconds is stopped.
    """
    attempt = _Attempt(run, project.current().jobs.get(run.job))
    error = None
    began = time.monotonic()
    try:
        if run.crashed and outcomes.crashed(run) >= _CRASHES:
            raise ProjectError(f"its runner died {_CRASHES} times at it: does it need more memory?")
        with output_capture.capture(attempt.lines.append), handing_to(attempt.take):
            _execute(attempt, seconds, attempting)
    except (Exception, timeout.TimedOut) as failure:
        error = _error(failure, tell)
    log = secret_masking.masked("".join(attempt.lines), attempt.secret)
    outcome = Outcome(log, round((time.monotonic() - began) * 1000), left_by=attempt.left_by)
    return _failed(attempt, outcome, error) if error else _succeeded(attempt, outcome)


def _succeeded(attempt: _Attempt, outcome: Outcome) -> Outcome:
    outcome.final = attempt.final
    outcome.emitted = outbox.kept([each for _, each in attempt.emitted])
    return outcome


def _failed(attempt: _Attempt, outcome: Outcome, error: JobError) -> Outcome:
    error.message = secret_masking.masked(error.message, attempt.secret)
    outcome.error, outcome.initial, outcome.resume = error, attempt.initial, attempt.resume()
    if outcome.resume:
        before = [each for at, each in attempt.emitted if at < outcome.resume.operation]
        outcome.emitted = outbox.kept(before)
    return outcome


def _execute(attempt: _Attempt, seconds: float, attempting: Attempting) -> None:
    job = attempt.job
    if job is None:
        raise ProjectError(f"the project has no job {attempt.run.job} any more")
    with timeout.within(seconds), attempting() as attempt.progress.pending:
        operations = load(job.expression)
        state = _begin(attempt, job, operations)
        state["configuration"] = credentials.configuration(job.credential)
        attempt.secret = dict(state["configuration"])
        attempt.final = states.kept(execute(operations, state, job.expression, attempt.progress))


def _begin(attempt: _Attempt, job: Job, operations: Sequence[Operation]) -> State:
    attempt.names = tuple(each.name for each in operations)
    resume = None if job.retry.fresh else outcomes.resume_of(attempt.run)
    # A job that was mended meanwhile goes on too, unless what it has done already was changed.
    if resume and resume.names == attempt.names[: resume.operation + 1]:
        attempt.progress.operation = resume.operation
        attempt.emitted += [(-1, each) for each in outbox.taken(attempt.run)]
        attempt.left_by = attempt.run.kept.get("left_by", "")
        resumed: State = json.loads(resume.state)
        return resumed
    if attempt.run.plan.kind is not Kind.CRON:
        return states.begun(states.initial(attempt.run))
    left = cron_state.read(job.name)
    initial = states.scheduled(json.loads(left.state), attempt.run.plan.origin)
    # What the clock's job begins with cannot be had again once a later run has succeeded.
    attempt.initial, attempt.left_by = states.kept(initial), left.run_id
    return states.begun(initial)


def _error(failure: BaseException, tell: Callable[[BaseException], None]) -> JobError:
    kind = type(failure).__name__
    if isinstance(failure, JobError):
        return failure
    if isinstance(failure, ProjectError | NotFound | UnreadableBody):
        return JobError(kind, str(failure), LOADING, 0)
    if isinstance(failure, timeout.TimedOut):
        return JobError(kind, str(failure), LOADING, 0, failure.verdict)
    if verdict := getattr(failure, "verdict", ""):  # an adaptor's, of what it ended
        wish = getattr(failure, "retry_after", None)
        return JobError(kind, str(failure), ENDING, 0, verdict, wish)
    tell(failure)
    verdict = FOR_NOW if isinstance(failure, AWSError) else "author"
    return JobError(kind, "see the function's log", LOADING, 0, verdict)
