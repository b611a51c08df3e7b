"""One attempt at a run: give its job a state and a credential, and collect what comes of it.

The job itself is executed elsewhere, by an `Executor`: in a process of its own, or in this one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from openfn.errors import JobError, NotFound, ProjectError, UnreadableBody, Verdict, log_fields
from openfn.jobs import credentials, exceptions, initial_state
from openfn.jobs import state as states
from openfn.jobs.attempt_results import AttemptResults, OnUnexpected
from openfn.jobs.exceptions import ENDING, LOADING
from openfn.jobs.job_file import JobFile, ResumeState, Start
from openfn.jobs.runtime import Executor, Interrupted
from openfn.jobs.secret_masking import Masker
from openfn.jobs.secret_references import SecretReferences
from openfn.jobs.state import InitialState
from openfn.jobs.time_limit import TimeLimit
from openfn.jobs.token_refresh import TokenRefresh
from openfn.project import compiled as project
from openfn.project.compiled import Job
from openfn.project.triggers import Kind
from openfn.runs import cron_state, outbox, outcomes
from openfn.runs.model import Run
from openfn.runs.outcomes import Outcome
from openfn.storage.aws import AWSError

# A job that has killed its runner this often will do so again.
_MAX_CRASHES = 3


def execute_attempt(
    run: Run, limit: TimeLimit, executor: Executor, on_unexpected: OnUnexpected
) -> Outcome:
    """Execute one attempt at a claimed run and return its outcome.

    A job that takes longer than its limit is stopped, which is a retryable error.
    """
    attempt = AttemptResults(run, project.current().jobs.get(run.job), on_unexpected)
    error, began = None, time.monotonic()
    try:
        if run.crashed and outcomes.record_crash(run) >= _MAX_CRASHES:
            raise ProjectError(
                f"The runner died {_MAX_CRASHES} times while it executed this run. The job may "
                "need more memory: raise the stack's parameter RunMemory."
            )
        _execute_job(attempt, executor, limit)
    except Exception as exception:
        error = _job_error(exception, run, on_unexpected)
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


def _execute_job(attempt: AttemptResults, executor: Executor, limit: TimeLimit) -> None:
    job = attempt.job
    if job is None:
        raise ProjectError(f"The project has no job {attempt.run.job} any more.")
    try:
        _execute_once(attempt, job, executor, limit, _start)
    except Interrupted:
        # It goes on alone from where it was, in another process.
        attempt.emitted = [(-1, emission) for emission in attempt.before_resume_point()]
        _execute_once(attempt, job, executor, limit, _continue, alone=True)


def _execute_once(
    attempt: AttemptResults,
    job: Job,
    executor: Executor,
    limit: TimeLimit,
    start: Callable[[AttemptResults, Job], tuple[int, InitialState]],
    *,
    alone: bool = False,
) -> None:
    run = attempt.run
    adaptor = project.current().adaptor_of(job.name)
    where_to = (outbox.inbox_names(), run.plan.depth)
    file = JobFile(job.expression, run.id, run.began, *where_to, adaptor, job.dialect)
    with executor.session(job.credential, *limit, attempt, alone=alone) as session:
        attempt.operations = session.load(file)
        with _token_refresh(job) as attempt.tokens:
            configuration = credentials.load_configuration(job.credential)
            fields = project.current().secret_fields_of(job.name)
            attempt.masker = Masker(configuration, fields).with_texts(attempt.fetched_secrets)
            attempt.references = SecretReferences(configuration, fields)
            operation, initial = start(attempt, job)
            attempt.has_started = True
            session.execute(Start(initial, configuration, operation))


@contextmanager
def _token_refresh(job: Job) -> Iterator[TokenRefresh | None]:
    if job.credential is None:
        yield None
        return
    tokens = TokenRefresh(job.credential, job.credential in project.current().refreshed)
    tokens.save_again()
    try:
        yield tokens
    finally:
        tokens.close()


def _start(attempt: AttemptResults, job: Job) -> tuple[int, InitialState]:
    """Return where the attempt starts, and with which state: resumed, carried or initial."""
    run, names = attempt.run, tuple(operation.name for operation in attempt.operations)
    resume = None if job.retry.fresh else outcomes.resume_point(run)
    # A job that was changed meanwhile resumes as well, unless an operation already done changed.
    if resume and resume.names == names[: resume.operation + 1]:
        attempt.emitted += [(-1, emission) for emission in outbox.load(run)]
        attempt.carried_from = run.carried_from
        restored = json.dumps(attempt.references.restore(resume.state)).encode()
        attempt.resume_at = ResumeState(resume.operation, restored)
        return resume.operation, InitialState(restored)
    if run.plan.kind is not Kind.CRON:
        initial = initial_state.load(run).with_extra({"references": []})
    else:
        carried = cron_state.load(job.name)
        minute = {"scheduled": states.scheduled_at(run.plan.source_id)}
        initial = InitialState(carried.state).with_extra(minute)
        # It cannot be computed again once a later run of the job has succeeded.
        attempt.initial, attempt.carried_from = initial, carried.run_id
        initial = initial.with_extra({"references": []})
    attempt.start = None if initial.request is not None else initial
    return 0, initial


def _continue(attempt: AttemptResults, job: Job) -> tuple[int, InitialState]:
    """Return where an attempt goes on whose process was killed."""
    operation, state, _ = attempt.resume_at
    if state is None:
        attempt.resume_at, attempt.emitted = ResumeState(0, None), []
        return _start(attempt, job)
    return operation, InitialState(state)


def _success(attempt: AttemptResults, outcome: Outcome) -> Outcome:
    outcome.final = attempt.references.without_configuration(attempt.final or b"{}")
    outcome.emitted = outbox.to_json([emission for _, emission in attempt.emitted])
    return outcome


def _failure(attempt: AttemptResults, outcome: Outcome, error: JobError) -> Outcome:
    outcome.error = exceptions.mask_and_cut(error, attempt.masker.mask)
    if attempt.initial:
        outcome.initial = states.to_json(attempt.initial.build())
    if not attempt.has_started:
        _keep_resume_point(attempt.run, outcome)
        return outcome
    outcome.resume = attempt.resume_point()
    if outcome.resume:
        outcome.emitted = outbox.to_json(attempt.before_resume_point())
    return outcome


def _keep_resume_point(run: Run, outcome: Outcome) -> None:
    """Let the next attempt resume where this one could not: it must not deliver anything again."""
    with suppress(NotFound):  # it has expired
        outcome.resume = outcomes.resume_point(run)
        outcome.emitted = run.read("emitted") if run.has("emitted") else None


def _log(attempt: AttemptResults, outcome: Outcome) -> str:
    """Return what the job printed, masked, with a warning for each secret that is stored."""
    contents = [("the final state", outcome.final), ("the initial state", outcome.initial)]
    named = [(name, content.decode()) for name, content in contents if content]
    if outcome.emitted:
        emissions = json.loads(outcome.emitted)
        named += [(f"the message to {inbox}", body) for _, inbox, body in emissions]
    for name, text in named:
        for line in attempt.references.warnings(name, text):
            attempt.log.write_line(line)
    return attempt.log.text(attempt.masker.mask)


def _job_error(error: Exception, run: Run, on_unexpected: OnUnexpected) -> JobError:
    if isinstance(error, JobError):
        return error
    if isinstance(error, ProjectError | NotFound | UnreadableBody):
        return exceptions.job_error(error, LOADING, 0)
    on_unexpected(run.id, log_fields(error))
    described = exceptions.job_error(error, LOADING, 0)
    described.message = exceptions.UNEXPECTED
    described.verdict = Verdict.RETRYABLE if isinstance(error, AWSError) else Verdict.AUTHOR
    return described
