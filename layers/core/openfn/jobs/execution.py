"""Execute a job in this process: load its expression, then apply its operations.

Nothing here reads or writes AWS: an attempt passes in all that the job needs, and listens to its
progress. A worker executes jobs with these functions, and so does the stack of a test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial

from openfn.jobs import exceptions, expression, loading, output_capture, timeout
from openfn.jobs import state as states
from openfn.jobs.expression import Operation, Progress
from openfn.jobs.job_file import (
    JobFile,
    Listener,
    OperationName,
    ResumeState,
    Start,
    WorkListener,
)
from openfn.jobs.runtime import JobRuntime, Session
from openfn.messages import emission


@contextmanager
def context(runtime: JobRuntime, job: JobFile, listener: WorkListener) -> Iterator[None]:
    """Let the adaptors know the run, and pass on what it emits and what it asks about tokens."""
    began = datetime.fromtimestamp(job.began, UTC)
    run = runtime.run_context(job.run_id, began, job.adaptor, job.expression.parent)
    emit_to = runtime.emit_to(partial(_emit, job, listener.on_emit))
    with run, emit_to, runtime.tokens(listener.on_tokens, listener.on_secret):
        yield


def execute(
    runtime: JobRuntime,
    job: JobFile,
    operations: Sequence[Operation],
    start: Start,
    on_operation: Callable[[int, ResumeState | None], object],
    on_prepared: Callable[[bytes, bool], object],
) -> None:
    """Apply the operations and commit the adaptors' work, or roll it back after an error.

    `on_prepared` receives the final state, and whether work waits for its commit.
    """
    try:
        with runtime.attempt() as is_pending:
            state = {**start.initial.build(), "configuration": dict(start.configuration)}
            progress = Progress(start.operation, is_pending, on_operation, start.initial.build)
            final = expression.execute(operations, state, job.expression, progress)
            on_prepared(states.to_json(final), is_pending())
    except timeout.TimedOut as error:  # after the last operation: while the work is committed
        raise exceptions.job_error(error, exceptions.ENDING, 0) from error


class InProcess:
    """Executes jobs in this process, where nothing but a timer can stop them."""

    def __init__(self, runtime: JobRuntime) -> None:
        self._runtime = runtime

    @contextmanager
    def session(
        self,
        credential: str | None,  # noqa: ARG002 - all share this process
        seconds: float,
        end: float,
        listener: Listener,
        *,
        alone: bool = False,  # noqa: ARG002 - the same
    ) -> Iterator[Session]:
        """Execute a job in the calling thread."""
        with ExitStack() as run, output_capture.capture_job(partial(_print, listener)):
            deadline = min(time.monotonic() + seconds, end)
            yield _InThisProcess(self._runtime, listener, deadline, run)

    def resize(self, megabytes: int, runs: int) -> None:
        """Do nothing: nothing limits the memory of this process."""

    def settle(self) -> None:
        """Do nothing: all is as it was."""

    def close(self) -> None:
        """Do nothing: this process goes on."""


class _InThisProcess:
    def __init__(
        self, runtime: JobRuntime, listener: Listener, deadline: float, run: ExitStack
    ) -> None:
        self._runtime, self._listener = runtime, listener
        self._deadline, self._run = deadline, run

    def load(self, job: JobFile) -> Sequence[OperationName]:
        """Load a job, and return its operations."""
        self._job = job
        self._run.enter_context(context(self._runtime, job, self._listener))
        with self._limits():
            self._operations = loading.load(job)
        return [OperationName(operation.name, operation.line) for operation in self._operations]

    def execute(self, start: Start) -> None:
        """Apply the operations of the job from a state on."""
        listener = self._listener
        listeners = (listener.on_operation, lambda final, _: listener.on_prepared(final))
        with self._limits():
            execute(self._runtime, self._job, self._operations, start, *listeners)

    @contextmanager
    def _limits(self) -> Iterator[None]:
        try:
            with timeout.limit(self._deadline - time.monotonic()):
                yield
        except BaseException as error:
            if exceptions.is_ctrl_c(error):
                raise
            described, unexpected = exceptions.of_execution(error)
            if unexpected:
                self._listener.on_unexpected(unexpected)
            raise described from error


def _print(listener: Listener, text: str) -> None:
    listener.on_output(text.encode("utf-8", "backslashreplace"))


def _emit(job: JobFile, receive: Callable[[str, str], object], inbox: str, body: str) -> None:
    emission.validate(inbox, body, job.inboxes, job.depth)
    receive(inbox, body)
