"""The supervisor's side of one worker: its pipes, its death, and how to kill it."""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from openfn.workers import process_tree
from openfn.workers.frames import Decoder, Frame, Kind, encode
from openfn.workers.memory import Meter
from openfn.workers.zygote import ALIVE
from openfn.workers.zygote_client import Zygote

_PIPE_BYTES = 1 << 20
_EXIT_SECONDS = 2.0
# Where there is no pidfd, the zygote is asked this often whether a worker lives.
_ASK_SECONDS = 0.02
OnOutput = Callable[[bytes], object]


class WorkerProcess:
    """A worker, and what the supervisor knows about it."""

    def __init__(self, zygote: Zygote, credential: str | None) -> None:
        """Fork a worker for one credential; raise `ZygoteDied` if that is impossible."""
        self.credential, self.runs = credential, 0
        self.is_killed_for_memory = False
        self.needed_too_much = False
        """Whether it was killed because it needed more than all the memory."""
        self.status = ALIVE
        """How the worker ended, as `waitpid` returns it."""
        self._zygote, self._lock = zygote, threading.Lock()
        self.pid, self._pidfd, self._pipes = zygote.fork()
        self.memory = Meter(self.pid)
        self._decoder, self._unsent = Decoder(), deque[memoryview]()
        self._poll = select.poll()
        for descriptor in self._pipes:
            os.set_blocking(descriptor, False)
            with suppress(AttributeError, OSError):  # not on Linux, or the user has many pipes
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        for readable in (self._pipes.results, self._pipes.output, self._pidfd):
            if readable is not None:
                self._poll.register(readable, select.POLLIN)

    def send(self, kind: Kind, fields: Mapping[str, Any], body: bytes = b"") -> None:
        """Send a frame; what the pipe does not take now is sent while frames are awaited."""
        self._unsent += [memoryview(piece) for piece in encode(kind, fields, body) if piece]
        self._write()

    def next_frame(self, seconds: float, on_output: OnOutput) -> Frame | None:
        """Return the next frame, or None if there is none within some seconds.

        None is returned at once when the worker has ended and left no frame: see `status`.
        """
        end = time.monotonic() + seconds
        while True:
            if frame := self._decoder.next_frame():
                if frame.kind in (Kind.DONE, Kind.FAILED):
                    self._read_output(on_output)
                return frame
            left = end - time.monotonic()
            if not self._wait(max(0, left), on_output) or left <= 0:
                return self._decoder.next_frame()

    def is_alive(self) -> bool:
        """Return whether an idle worker lives; what was written since its run is dropped."""
        self._wait(0, len)
        # A worker ends a little later than its zygote.
        return self.status == ALIVE and not self._zygote.has_ended()

    def kill(self) -> None:
        """Kill the worker and all its descendants."""
        with self._lock:  # its process id may be another's once its status was read
            if self.status == ALIVE:
                process_tree.kill_tree(self.pid)

    def close(self, on_output: OnOutput = len) -> None:
        """Kill the worker if it lives, read its last output, and close its pipes."""
        self.kill()
        self._read_status(_EXIT_SECONDS)
        self._zygote.kill_orphans()
        self._read_output(on_output)
        self.memory.close()
        for descriptor in (*self._pipes, self._pidfd):
            if descriptor is not None:
                os.close(descriptor)

    def _wait(self, seconds: float, on_output: OnOutput) -> bool:
        """Wait for something to happen; return whether a frame may still come."""
        wait = seconds if self._pidfd is not None else min(seconds, _ASK_SECONDS)
        ready = {descriptor for descriptor, _ in self._poll.poll(wait * 1000)}
        if self._pipes.requests in ready:
            self._write()
        if self._pipes.output in ready:
            self._read_output(on_output)
        if self._pipes.results in ready and self._read_results():
            return True
        if self._pidfd is None or self._pidfd in ready:
            self._read_status(0)
            # Frames that were written before the death come first.
            return self.status == ALIVE or self._read_results()
        return True

    def _write(self) -> None:
        with suppress(BlockingIOError, BrokenPipeError):
            while self._unsent:
                written = os.write(self._pipes.requests, self._unsent[0])
                self._unsent[0] = self._unsent[0][written:]
                if not self._unsent[0]:
                    self._unsent.popleft()
        if self._unsent:
            self._poll.register(self._pipes.requests, select.POLLOUT)
        else:
            with suppress(KeyError):
                self._poll.unregister(self._pipes.requests)

    def _read_results(self) -> bool:
        content = self._read(self._pipes.results, self._decoder.read_bytes)
        self._decoder.feed(content)
        return bool(content)

    def _read_output(self, on_output: OnOutput) -> None:
        if output := self._read(self._pipes.output, _PIPE_BYTES):
            on_output(output)

    def _read(self, descriptor: int, size: int) -> bytes:
        """Read what a pipe has; one without writers is not waited for any more."""
        try:
            content = os.read(descriptor, size)
        except BlockingIOError:
            return b""
        if not content:
            with suppress(KeyError):
                self._poll.unregister(descriptor)
        return content

    def _read_status(self, seconds: float) -> None:
        with self._lock:
            if self.status == ALIVE:
                self.status = self._zygote.status(self.pid, seconds)
