"""One execution of a job in a worker, as the supervisor sees it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from openfn.errors import JobError, Verdict
from openfn.jobs.exceptions import ENDING, LOADING
from openfn.jobs.job_file import JobFile, Listener, OperationName, ResumeState, Start
from openfn.jobs.runtime import Interrupted
from openfn.jobs.timeout import TimedOut
from openfn.workers import memory
from openfn.workers.frames import Frame, Kind
from openfn.workers.worker_process import WorkerProcess
from openfn.workers.zygote import ALIVE

GRACE_SECONDS = 0.5
"""How long after its deadline a worker may take to roll back and end by itself."""
_CRASHED = "Crashed"
_CALM_SECONDS, _BUSY_SECONDS = 0.05, 0.01
Watch = Callable[[], bool]
"""Looks at the memory of all workers; returns whether they use much."""


class WorkerSession:
    """Drives one worker from the calling thread, until its job has ended or is killed."""

    def __init__(
        self,
        worker: WorkerProcess,
        listener: Listener,
        deadline: float,
        megabytes: int,
        watch: Watch,
        *,
        alone: bool,
    ) -> None:
        self._worker, self._listener, self._deadline = worker, listener, deadline
        self._megabytes, self._watch, self._alone = megabytes, watch, alone
        self._operation = OperationName(LOADING, 0)
        self.has_ended = False
        """Whether the worker has reported its result, and goes on living."""

    def load(self, job: JobFile) -> Sequence[OperationName]:
        """Load a job, and return its operations."""
        fields = {
            "expression": str(job.expression),
            "run_id": job.run_id,
            "began": job.began,
            "inboxes": job.inboxes,
            "depth": job.depth,
            "adaptor": job.adaptor,
            "dialect": job.dialect,
            "memory": self._megabytes,
        }
        self._send(Kind.LOAD, fields)
        while (frame := self._next_frame()).kind is Kind.SECRET:
            self._receive(frame)
        if frame.kind is not Kind.LOADED:
            raise self._error(frame)
        self._operations = [OperationName(*operation) for operation in frame.fields["operations"]]
        return self._operations

    def execute(self, start: Start) -> None:
        """Apply the operations of the job from a state on."""
        initial, first = start.initial, start.operation
        self._operation = self._operations[first]
        self._listener.on_operation(first, None)
        fields: dict[str, Any] = {"request": initial.request, "extra": initial.extra}
        fields |= {"configuration": start.configuration, "operation": first}
        self._send(Kind.START, fields, initial.content)
        while (frame := self._next_frame()).kind is not Kind.DONE:
            self._receive(frame)
        self.has_ended = True

    def _send(self, kind: Kind, fields: dict[str, Any], body: bytes = b"") -> None:
        seconds = self._deadline - time.monotonic()
        self._worker.send(kind, fields | {"seconds": max(seconds, 0.001)}, body)

    def _receive(self, frame: Frame) -> None:
        fields, listener = frame.fields, self._listener
        if frame.kind is Kind.OPERATION:
            self._operation = self._operations[fields["number"]]
            state = frame.body if fields.get("exact") else None
            resume = None
            if "resume" in fields:
                resume = ResumeState(fields["resume"], state, fields["emitted"])
            listener.on_operation(fields["number"], resume)
        elif frame.kind is Kind.EMIT:
            listener.on_emit(fields["inbox"], frame.body.decode("utf-8", "surrogatepass"))
        elif frame.kind is Kind.TOKENS:
            self._send(Kind.TOKENS, dict(listener.on_tokens(fields)))
        elif frame.kind is Kind.SECRET:
            listener.on_secret(fields["text"])
        elif frame.kind is Kind.PREPARED:
            self._operation = OperationName(ENDING, 0)
            listener.on_prepared(frame.body)
        else:
            raise self._error(frame)

    def _error(self, frame: Frame) -> JobError:
        """Return the error with which a job ended."""
        self.has_ended = True
        fields = dict(frame.fields)
        if unexpected := fields.pop("unexpected"):
            self._listener.on_unexpected(unexpected)
        return JobError(**fields | {"verdict": Verdict(fields["verdict"])})

    def _next_frame(self) -> Frame:
        worker, wait = self._worker, _CALM_SECONDS
        while True:
            left = self._deadline + GRACE_SECONDS - time.monotonic()
            frame = worker.next_frame(max(0, min(wait, left)), self._listener.on_output)
            if frame:
                return frame
            if worker.status != ALIVE:
                raise self._death(worker.status)
            if left <= 0:
                worker.kill()
                raise self._timed_out()
            wait = _BUSY_SECONDS if self._watch() else _CALM_SECONDS

    def _death(self, status: int) -> Exception:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if number == signal.SIGALRM and time.monotonic() >= self._deadline:
            return self._timed_out()
        worker = self._worker
        if worker.needed_too_much or (worker.is_killed_for_memory and self._alone):
            return self._job_error(MemoryError.__name__, memory.exceeded_message(self._megabytes))
        if number == signal.SIGKILL and not self._alone:
            return Interrupted("The process of the job was killed.")
        if number:
            reason = f"was killed by signal {number} ({signal.Signals(number).name})"
        else:
            reason = f"ended with exit status {os.waitstatus_to_exitcode(status)}"
        return self._job_error(_CRASHED, f"The process of the job {reason}.")

    def _timed_out(self) -> JobError:
        return self._job_error(TimedOut.__name__, str(TimedOut()), Verdict.RETRYABLE)

    def _job_error(
        self, error_type: str, message: str, verdict: Verdict = Verdict.AUTHOR
    ) -> JobError:
        return JobError(error_type, message, *self._operation, verdict)
