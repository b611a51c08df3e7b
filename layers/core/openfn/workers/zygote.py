"""The zygote: the process from which workers are forked.

The runner starts it with an allowlisted environment as its first act. It imports what the project's
jobs import, so that a worker is ready after some milliseconds and shares that memory. It never
imports boto3, and has one thread only, because a fork copies no other.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

from openfn.jobs.runtime import JobRuntime
from openfn.workers import linux, preloading, project_modules, worker

REPLY = struct.Struct("!qq")
"""The reply to a request: a process id and a status; a pidfd may come with it."""
FORK, STATUS = b"F", b"S"
ALIVE = -1
"""The status of a worker that has not ended."""
REQUEST = struct.Struct("!cq")
# Processes and threads of this user beyond those that run already.
_MAX_PROCESSES = 128


def main(runtime: JobRuntime, arguments: Sequence[str]) -> None:
    """Serve the supervisor's requests until it closes its end of the socket.

    The arguments are the descriptor of the socket, the folder of the compiled project, and modules
    that are not imported, because they start threads.
    """
    control, project, *leave_out = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor
    linux.hide_from_other_processes()
    linux.adopt_orphans()
    project_modules.keep_code(project)
    threaded = preloading.import_modules(runtime, project, leave_out)
    if threaded is not None:
        os.execv(sys.executable, [*sys.orig_argv, threaded])  # noqa: S606 - this program again
    _limit_processes()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(control)) as requests:
        _serve(requests, runtime)


def _serve(requests: socket.socket, runtime: JobRuntime) -> None:
    statuses: dict[int, int | None] = {}
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, REQUEST.size, 3)
        if not message:
            return  # the supervisor has ended
        verb, pid = REQUEST.unpack(message)
        if verb == FORK:
            pid = _fork(requests, runtime, descriptors)
            statuses[pid] = None
            _reply_with_pidfd(requests, pid)
        else:
            _reap(statuses)
            status = statuses.get(pid)
            requests.sendall(REPLY.pack(pid, ALIVE if status is None else status))
            if status is not None:
                del statuses[pid]


def _fork(requests: socket.socket, runtime: JobRuntime, descriptors: list[int]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            requests.close()
            linux.end_with_parent(parent)
            worker.main(runtime, *descriptors)
        finally:
            os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _reply_with_pidfd(requests: socket.socket, pid: int) -> None:
    pidfd = linux.open_pidfd(pid)
    reply = REPLY.pack(pid, 0)
    if pidfd is None:
        requests.sendall(reply)
    else:
        socket.send_fds(requests, [reply], [pidfd])
        os.close(pidfd)


def _reap(statuses: dict[int, int | None]) -> None:
    """Read the statuses of all processes that have ended, adopted ones included."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid in statuses:
                statuses[pid] = status


def _limit_processes() -> None:
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/loadavg", encoding="ascii") as file:  # noqa: PTH123 - a fork must be cheap
            existing = int(file.read().split()[3].split("/")[1])
        limit = existing + _MAX_PROCESSES
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
