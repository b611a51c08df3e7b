"""One attempt at a run: load its job, give it state and credential, execute it in time."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openfn.errors import JobError, NotFound, ProjectError, UnreadableBody, Verdict
from openfn.jobs import credentials, exceptions, output_capture, timeout
from openfn.jobs import state as states
from openfn.jobs.expression import Operation, Progress, execute, load
from openfn.jobs.runtime import JobRuntime
from openfn.jobs.secret_masking import Masker
from openfn.jobs.secret_references import SecretReferences
from openfn.jobs.state import State
from openfn.project import compiled as project
from openfn.project.compiled import Job
from openfn.project.triggers import Kind
from openfn.runs import cron_state, outbox, outcomes
from openfn.runs.model import Run
from openfn.runs.outbox import Emission
from openfn.runs.outcomes import Outcome, ResumePoint
from openfn.storage.aws import AWSError

LOADING = "loading"
"""The `operation` of an error before the first operation, or outside of all."""
ENDING = "ending"
"""The `operation` of an error after the last, when the work could not be committed."""
# A job that has killed its runner this often will do so again.
_MAX_CRASHES = 3


@dataclass(slots=True)
class _Attempt:
    """The results of an attempt, collected while it lasts."""

    run: Run
    job: Job | None
    operation_names: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    output: list[str] = field(default_factory=list)
    emitted: list[tuple[int, Emission]] = field(default_factory=list)
    """Each emitted message, with the operation at which an attempt that emits it again resumes."""
    masker: Masker = field(default_factory=lambda: Masker({}))
    references: SecretReferences = field(default_factory=lambda: SecretReferences({}))
    initial: bytes | None = None
    final: bytes | None = None
    carried_from: str = ""
    has_started: bool = False

    def emit(self, inbox: str, body: str) -> None:
        """Collect a message that the job emits; raise `ProjectError` if it may not."""
        emission = outbox.create_emission(self.run, inbox, body)
        self.emitted.append((self.progress.operation, emission))

    def resume_point(self) -> ResumePoint | None:
        """Return where the next attempt resumes; it is stored, since a failed run is replayed."""
        operation, state = self.progress.operation, self.progress.state
        if state is None or self.job is None or self.job.retry.fresh:
            return None
        names = self.operation_names[: operation + 1]
        return ResumePoint(operation, names, self.references.seal(state))


def execute_attempt(run: Run, seconds: float, runtime: JobRuntime) -> Outcome:
    """Execute one attempt at a claimed run and return its outcome.

    A job that takes longer than `seconds` is stopped, which is a retryable error.
    """
    attempt = _Attempt(run, project.current().jobs.get(run.job))
    error, began = None, time.monotonic()
    try:
        if run.crashed and outcomes.record_crash(run) >= _MAX_CRASHES:
            raise ProjectError(
                f"The runner died {_MAX_CRASHES} times while it executed this run. The job may "
                "need more memory: raise the stack's parameter RunMemory."
            )
        with output_capture.capture_job(attempt.output.append), runtime.emit_to(attempt.emit):
            _execute_job(attempt, seconds, runtime)
    except (Exception, timeout.TimedOut) as exception:
        error = _job_error(exception, run, runtime)
    duration_ms = round((time.monotonic() - began) * 1000)
    outcome = Outcome("", duration_ms, carried_from=attempt.carried_from)
    outcome = _failure(attempt, outcome, error) if error else _success(attempt, outcome)
    outcome.log = _log(attempt, outcome)
    return outcome


def unrecorded_outcome(error: Exception) -> Outcome:
    """Return the outcome of an attempt whose own outcome could not be recorded."""
    described = exceptions.job_error(error, ENDING, 0)
    described.verdict, described.message = (
        Verdict.AUTHOR,
        (
            "The job has ended, but its outcome could not be recorded. It may have delivered its "
            "record. See the log of the runner."
        ),
    )
    return Outcome("", 0, error=described)


def _execute_job(attempt: _Attempt, seconds: float, runtime: JobRuntime) -> None:
    run, job = attempt.run, attempt.job
    if job is None:
        raise ProjectError(f"The project has no job {run.job} any more.")
    began = datetime.fromtimestamp(run.began, UTC)
    with (
        runtime.run_context(run.id, began),
        timeout.limit(seconds),
        runtime.attempt() as attempt.progress.is_pending,
    ):
        operations = load(job.expression)
        configuration = credentials.load_configuration(job.credential)
        fields = project.current().secret_fields_of(job.name)
        attempt.masker = Masker(configuration, fields)
        attempt.references = SecretReferences(configuration, fields)
        state = _start(attempt, job, operations)
        state["configuration"] = configuration
        attempt.has_started = True
        final = states.to_json(execute(operations, state, job.expression, attempt.progress))
        attempt.final = attempt.references.without_configuration(final)


def _start(attempt: _Attempt, job: Job, operations: Sequence[Operation]) -> State:
    """Return the state with which the attempt starts: resumed, carried or initial."""
    run = attempt.run
    attempt.operation_names = tuple(operation.name for operation in operations)
    resume = None if job.retry.fresh else outcomes.resume_point(run)
    # A job that was changed meanwhile resumes as well, unless an operation already done changed.
    if resume and resume.names == attempt.operation_names[: resume.operation + 1]:
        attempt.progress.operation = resume.operation
        attempt.emitted += [(-1, emission) for emission in outbox.load(run)]
        attempt.carried_from = run.carried_from
        return attempt.references.restore(resume.state)
    if run.plan.kind is not Kind.CRON:
        return states.with_configuration(states.initial_state(run))
    carried = cron_state.load(job.name)
    initial = states.scheduled(json.loads(carried.state), run.plan.source_id)
    # It cannot be computed again once a later run of the job has succeeded.
    attempt.initial, attempt.carried_from = states.to_json(initial), carried.run_id
    return states.with_configuration(initial)


def _success(attempt: _Attempt, outcome: Outcome) -> Outcome:
    outcome.final = attempt.final
    outcome.emitted = outbox.to_json([emission for _, emission in attempt.emitted])
    return outcome


def _failure(attempt: _Attempt, outcome: Outcome, error: JobError) -> Outcome:
    outcome.error = exceptions.mask_and_cut(error, attempt.masker.mask)
    outcome.initial = attempt.initial
    if not attempt.has_started:
        _keep_resume_point(attempt.run, outcome)
        return outcome
    outcome.resume = resume = attempt.resume_point()
    if resume:
        # An attempt that resumes does not emit again what an earlier operation or item emitted.
        earlier = sum(at < 0 for at, _ in attempt.emitted) + attempt.progress.emitted
        before = [
            emission
            for position, (at, emission) in enumerate(attempt.emitted)
            if at < resume.operation or position < earlier
        ]
        outcome.emitted = outbox.to_json(before)
    return outcome


def _keep_resume_point(run: Run, outcome: Outcome) -> None:
    """Let the next attempt resume where this one could not: it must not deliver anything again."""
    with suppress(NotFound):  # it has expired
        outcome.resume = outcomes.resume_point(run)
        outcome.emitted = run.read("emitted") if run.has("emitted") else None


def _log(attempt: _Attempt, outcome: Outcome) -> str:
    """Return what the job printed, masked, with a warning for each secret that is stored."""
    contents = [("the final state", outcome.final), ("the initial state", outcome.initial)]
    named = [(name, content.decode()) for name, content in contents if content]
    if outcome.emitted:
        emissions = json.loads(outcome.emitted)
        named += [(f"the message to {inbox}", body) for _, inbox, body in emissions]
    lines = [line for name, text in named for line in attempt.references.warnings(name, text)]
    printed = "".join(attempt.output)
    if lines and printed and not printed.endswith("\n"):
        printed += "\n"
    return attempt.masker.mask(printed + "".join(f"{line}\n" for line in lines))


def _job_error(error: BaseException, run: Run, runtime: JobRuntime) -> JobError:
    if isinstance(error, JobError):
        return error
    if isinstance(error, ProjectError | NotFound | UnreadableBody | timeout.TimedOut):
        return exceptions.job_error(error, LOADING, 0)
    described = exceptions.job_error(error, ENDING, 0)
    if exceptions.attribute(error, "verdict"):  # an adaptor could not commit
        return described
    runtime.on_unexpected_error(run.id, error)
    verdict = Verdict.RETRYABLE if isinstance(error, AWSError) else Verdict.AUTHOR
    message = "Unexpected error. See the log of the runner."
    return JobError(described.type, message, LOADING, 0, verdict)
