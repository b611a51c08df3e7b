"""A worker: executes one job at a time, as the supervisor's frames say.

Descriptors 1 and 2 are the pipe of the run's log, so that it has everything that the job, its
threads, its C libraries and its child processes write.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from openfn.errors import JobError
from openfn.jobs import exceptions, execution, loading, timeout
from openfn.jobs.job_file import JobFile, OperationName, ResumeState, Start
from openfn.jobs.runtime import JobRuntime
from openfn.jobs.state import InitialState
from openfn.workers import linux, memory
from openfn.workers.frames import Decoder, Frame, Kind, encode
from openfn.workers.isolation import Isolation
from openfn.workers.streams import Streams

# Bound before any job runs: a job may replace the functions of these modules.
_read, _write, _getpid, _exit = os.read, os.write, os.getpid, os._exit
_mask_signals = signal.pthread_sigmask
# Up to this size, a copy costs less than one more call that wakes the supervisor.
_JOINED_BYTES = 1 << 16
_libc = ctypes.CDLL(None)


def main(runtime: JobRuntime, requests: int, results: int, output: int) -> None:
    """Execute jobs until the supervisor closes its end of the pipe."""
    for descriptor in (requests, results):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it is positional only
    streams = Streams(output)
    os.setsid()  # where Linux shares the processor by session, many processes get one share only
    linux.adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel, isolation, limit = _Channel(requests, results), Isolation(streams), memory.Limit()
    for frame in channel.frames():
        if frame.kind is Kind.LOAD:
            _execute(runtime, channel, isolation, limit, frame)


class _Channel:
    """The frames from and to the supervisor; also the listener of the execution."""

    def __init__(self, requests: int, results: int) -> None:
        self._requests, self._results = requests, results
        self._decoder, self._pid = Decoder(), os.getpid()
        self._held: list[bytes] = []
        self.first = 0
        """The first operation, which begins when the supervisor sends the state."""
        self.operations: list[OperationName] = []
        self.begun, self.megabytes = 0, 0
        """The operation that has begun last, and the memory of the job."""

    def frames(self) -> Iterator[Frame]:
        """Yield the supervisor's frames until it closes the pipe."""
        while True:
            while frame := self._decoder.next_frame():
                yield frame
            content = _read(self._requests, self._decoder.read_bytes)
            if not content:
                return
            self._decoder.feed(content)

    def send(self, kind: Kind, fields: dict[str, Any] | None = None, body: bytes = b"") -> None:
        """Write a frame."""
        if _getpid() != self._pid:  # the child of a job that forked goes on as if it were the job
            _exit(0)
        pieces = encode(kind, fields or {}, body)
        # The deadline must not interrupt it within a frame.
        before = _mask_signals(signal.SIG_BLOCK, (signal.SIGALRM,))
        try:
            self._write_all([*self._held, *pieces])
        finally:
            _mask_signals(signal.SIG_SETMASK, before)

    def _write_all(self, pieces: list[bytes]) -> None:
        self._held = []
        if sum(map(len, pieces)) <= _JOINED_BYTES:
            pieces = [b"".join(pieces)]
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[_write(self._results, rest) :]

    def on_operation(self, number: int, resume: ResumeState | None) -> None:
        """Report that an operation begins, unless the supervisor knows all about it."""
        if number == self.first and resume is None:
            return
        fields: dict[str, Any] = {"number": number}
        state = b""
        if resume:
            fields |= {"resume": resume.operation, "exact": resume.state is not None}
            fields |= {"emitted": resume.emitted}
            state = resume.state or b""
            if number == resume.operation != self.begun:
                self._check_size(state, self.operations[number - 1])
        self.begun = number
        self.send(Kind.OPERATION, fields, state)

    def on_emit(self, inbox: str, body: str) -> None:
        """Report a message that the job emits."""
        self.send(Kind.EMIT, {"inbox": inbox}, body.encode("utf-8", "surrogatepass"))

    def on_tokens(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the supervisor about the stored tokens of the credential, and return its reply."""
        self.send(Kind.TOKENS, dict(request))
        return next(frame for frame in self.frames() if frame.kind is Kind.TOKENS).fields

    def on_secret(self, text: str) -> None:
        """Report a token that is masked from now on."""
        self.send(Kind.SECRET, {"text": text})

    def on_prepared(self, final: bytes, is_pending: bool) -> None:  # noqa: FBT001 - as called
        """Report the final state, before it is committed; with the next frame if nothing is."""
        self._check_size(final, OperationName(exceptions.ENDING, 0))
        if is_pending:
            self.send(Kind.PREPARED, {}, final)
        else:
            self._held += encode(Kind.PREPARED, {}, final)

    def _check_size(self, state: bytes, operation: OperationName) -> None:
        if problem := memory.state_problem(state, self.megabytes):
            raise JobError("StateTooLarge", problem, *operation)


def _execute(
    runtime: JobRuntime, channel: _Channel, isolation: Isolation, limit: memory.Limit, load: Frame
) -> None:
    fields = load.fields
    job = JobFile(
        Path(fields["expression"]),
        fields["run_id"],
        fields["began"],
        tuple(fields["inboxes"]),
        fields["depth"],
        fields["adaptor"],
        fields["dialect"],
        fields["memory"],
    )
    limit.set(fields["memory"])
    kind, result = Kind.DONE, dict[str, Any]()
    try:
        with execution.context(runtime, job, channel):
            _load_and_execute(runtime, channel, job, fields["seconds"])
    except BaseException as error:  # a job may raise anything
        limit.remove()
        kind, result = Kind.FAILED, _describe(error, fields["memory"])
    _flush()
    channel.send(kind, result)
    limit.remove()
    is_exhausted = result.get("type") == MemoryError.__name__
    reason = isolation.restore(job.expression.parent) or ("memory" if is_exhausted else "")
    channel.send(Kind.IDLE, {"reason": reason})


def _load_and_execute(runtime: JobRuntime, channel: _Channel, job: JobFile, seconds: float) -> None:
    with timeout.limit(seconds):
        operations = loading.load(job)
    names = [OperationName(operation.name, operation.line) for operation in operations]
    channel.operations, channel.megabytes = names, job.megabytes
    channel.send(Kind.LOADED, {"operations": names})
    start = next(channel.frames())
    fields = start.fields
    initial = InitialState(start.body, fields["request"], fields["extra"])
    begin = Start(initial, fields["configuration"], fields["operation"])
    channel.first = channel.begun = begin.operation
    listeners = (channel.on_operation, channel.on_prepared)
    with timeout.limit(fields["seconds"]):
        execution.execute(runtime, job, operations, begin, *listeners)


def _describe(error: BaseException, megabytes: int) -> dict[str, Any]:
    described, unexpected = exceptions.of_execution(error)
    if described.type == MemoryError.__name__:
        described.message = memory.exceeded_message(megabytes)
    return {**asdict(described), "unexpected": unexpected}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):  # it may be the job's own
            stream.flush()
    with suppress(Exception):
        _libc.fflush(None)
