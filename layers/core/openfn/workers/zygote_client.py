"""The supervisor's side of the zygote: start it, fork workers, and learn how they ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from openfn.errors import OpenFnError
from openfn.workers import environment, process_tree
from openfn.workers.zygote import ALIVE, FORK, REPLY, REQUEST, STATUS

_EXIT_SECONDS = 5.0
_KILLED = 9


class ZygoteDied(OpenFnError):
    """The zygote has ended, and all workers with it."""


class Pipes(NamedTuple):
    """The supervisor's ends of a worker's pipes."""

    requests: int
    results: int
    output: int


class Zygote:
    """A running zygote; it answers one request at a time."""

    def __init__(self, program: Path, project: Path) -> None:
        """Start a zygote with an allowlisted environment; it is ready some time later."""
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._workers: set[int] = set()
        self._is_closed = False
        """Whether it has closed its socket, which it does a little before it has ended."""
        arguments = [str(program), str(theirs.fileno()), str(project)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", *arguments],
            env=environment.for_workers(),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the supervisor
        )
        theirs.close()

    def fork(self) -> tuple[int, int | None, Pipes]:
        """Fork a worker; return its process id, its pidfd where there is one, and its pipes."""
        requests, results, output = os.pipe(), os.pipe(), os.pipe()
        theirs = [requests[0], results[1], output[1]]
        pipes = Pipes(requests[1], results[0], output[0])
        try:
            with self._lock:
                socket.send_fds(self._control, [REQUEST.pack(FORK, 0)], theirs)
                pid, _, pidfd = self._reply()
                self._workers.add(pid)
        except (OSError, ZygoteDied):
            for descriptor in pipes:
                os.close(descriptor)
            raise ZygoteDied("The process from which workers are forked has ended.") from None
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return pid, pidfd, pipes

    def status(self, pid: int, seconds: float) -> int:
        """Return how a worker ended, as `waitpid` does; `ALIVE` if it has not."""
        end = time.monotonic() + seconds
        while (status := self._ask(pid)) == ALIVE and time.monotonic() < end:
            time.sleep(0.002)
        return status

    def has_ended(self) -> bool:
        """Return whether the zygote has ended; its workers end with it."""
        return self._is_closed or self._process.poll() is not None

    def kill_orphans(self) -> None:
        """Kill the processes that ended workers have left."""
        with self._lock:  # so that no worker is just being forked
            process_tree.kill_orphans(self._process.pid, self._workers)

    def close(self) -> None:
        """End the zygote, and its workers with it."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_SECONDS)
            return
        self._process.kill()
        self._process.wait()

    def _ask(self, pid: int) -> int:
        try:
            with self._lock:
                self._control.sendall(REQUEST.pack(STATUS, pid))
                status = self._reply()[1]
                if status != ALIVE:
                    self._workers.discard(pid)
        except (OSError, ZygoteDied):
            self._is_closed = True
            return _KILLED  # workers end with the zygote
        return status

    def _reply(self) -> tuple[int, int, int | None]:
        message, descriptors, _, _ = socket.recv_fds(self._control, REPLY.size, 1)
        if len(message) < REPLY.size:
            raise ZygoteDied("The process from which workers are forked has ended.")
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - it is positional only
        return *REPLY.unpack(message), next(iter(descriptors), None)
