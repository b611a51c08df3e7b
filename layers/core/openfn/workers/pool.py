"""The pool of workers: one for each run that executes, kept with its connections for the next.

A worker serves one credential only. It is replaced after a crash, a kill, a number of runs, or when
a run left something behind: see `isolation`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openfn.errors import JobError, Verdict
from openfn.jobs.exceptions import LOADING
from openfn.jobs.job_file import Listener
from openfn.jobs.runtime import Session
from openfn.workers.frames import Kind
from openfn.workers.turns import Turns
from openfn.workers.worker_process import WorkerProcess
from openfn.workers.worker_session import WorkerSession
from openfn.workers.zygote_client import Zygote, ZygoteDied

_MAX_RUNS = 200
# An idle worker with more than this has grown in its runs, and takes memory from others.
_MAX_IDLE_MEGABYTES = 48
_CLEANUP_SECONDS = 1.0
_NEARLY, _MUCH = 0.85, 0.5


class WorkerPool:
    """Executes jobs in workers; `openfn.jobs.runtime.Executor` has the interface."""

    def __init__(self, program: Path, project: Path) -> None:
        """Start the zygote with a program; workers are forked when they are needed."""
        self._program, self._project = program, project
        self._zygote = Zygote(program, project)
        self._megabytes, self._max_idle, self._is_closed = 0, 1, False
        self._lock, self._turns = threading.RLock(), Turns()
        self._running: list[WorkerProcess] = []
        self._idle: list[WorkerProcess] = []
        """The longest idle first."""
        self._cleaning: list[WorkerProcess] = []
        """Workers that have reported a result, and not yet that they are as before the run."""

    def resize(self, megabytes: int, runs: int) -> None:
        """Set the memory for all jobs together, and how many run at the same time."""
        self._megabytes, self._max_idle = megabytes, runs

    @contextmanager
    def session(
        self,
        credential: str | None,
        seconds: float,
        end: float,
        listener: Listener,
        *,
        alone: bool = False,
    ) -> Iterator[Session]:
        """Execute a job that uses a credential in a worker."""
        with self._turns.take(end - time.monotonic(), alone=alone) as has_turn:
            if not has_turn:
                raise _no_turn()
            worker = self._take(credential, alone=alone)
            deadline = min(time.monotonic() + seconds, end)
            limits = (deadline, self._megabytes, self._watch)
            session = WorkerSession(worker, listener, *limits, alone=alone)
            try:
                yield session
            finally:
                self._put_back(worker, session, listener)

    def settle(self) -> None:
        """Wait until workers have cleaned up after their runs, and end those that cannot."""
        with self._lock:
            cleaning, self._cleaning = self._cleaning, []
        for worker in cleaning:
            self._await_cleanup(worker)
        while len(self._idle) > self._max_idle:
            with self._lock:
                surplus = self._idle.pop(0)
            surplus.close()

    def close(self) -> None:
        """End all workers and the zygote; runs that execute are to be tried again."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            running, unused = [*self._running], [*self._idle, *self._cleaning]
            self._idle, self._cleaning = [], []
        if was_closed:
            return
        for worker in unused:
            worker.close()
        for worker in running:  # the session of its run closes it
            worker.kill()
        self._zygote.close()

    def _take(self, credential: str | None, *, alone: bool) -> WorkerProcess:
        with self._lock:
            mine = [worker for worker in self._cleaning if worker.credential == credential]
            self._cleaning = [worker for worker in self._cleaning if worker not in mine]
        for worker in mine:
            self._await_cleanup(worker)
        # A run that continues alone gets a new one: if the zygote has died, those idle die too.
        worker = (None if alone else self._idle_worker(credential)) or self._fork(credential)
        with self._lock:
            self._running.append(worker)
        worker.runs += 1
        return worker

    def _idle_worker(self, credential: str | None) -> WorkerProcess | None:
        with self._lock:
            mine = [worker for worker in self._idle if worker.credential == credential]
            if not mine:
                return None
            worker = mine[-1]
            self._idle.remove(worker)
        if worker.is_alive():
            return worker
        worker.close()
        return self._idle_worker(credential)

    def _fork(self, credential: str | None) -> WorkerProcess:
        zygote = self._zygote
        if self._is_closed:
            raise _closed()
        try:
            return WorkerProcess(zygote, credential)
        except ZygoteDied:
            with self._lock:
                if self._is_closed:
                    raise _closed() from None
                if self._zygote is zygote:  # no other thread has replaced it
                    zygote.close()
                    self._zygote = Zygote(self._program, self._project)
            return WorkerProcess(self._zygote, credential)

    def _put_back(self, worker: WorkerProcess, session: WorkerSession, listener: Listener) -> None:
        with self._lock:
            self._running.remove(worker)
            is_kept = session.has_ended and not self._is_closed
            if is_kept:
                self._cleaning.append(worker)
        if not is_kept:
            worker.close(listener.on_output)

    def _await_cleanup(self, worker: WorkerProcess) -> None:
        frame = worker.next_frame(_CLEANUP_SECONDS, len)
        is_fit = frame is not None and frame.kind is Kind.IDLE and not frame.fields["reason"]
        if is_fit and worker.runs < _MAX_RUNS and worker.memory.megabytes() < _MAX_IDLE_MEGABYTES:
            with self._lock:
                self._idle.append(worker)
        else:
            worker.close()

    def _watch(self) -> bool:
        """Kill the largest worker when all come near the limit; return whether they use much.

        One that needs more than there is, with its child processes, is killed for good.
        """
        with self._lock:
            sizes = {
                worker: worker.memory.megabytes_with_children()
                for worker in self._running
                if not worker.is_killed_for_memory
            }
            used = sum(sizes.values())
            largest = max(sizes, key=sizes.__getitem__, default=None)
            if largest and (
                sizes[largest] > self._megabytes
                or (used > _NEARLY * self._megabytes and len(sizes) > 1)
            ):
                largest.is_killed_for_memory = True
                largest.needed_too_much = sizes[largest] > self._megabytes
                largest.kill()
        return used > _MUCH * self._megabytes


def _no_turn() -> JobError:
    return _interrupted("The invocation had no time left in which the run could continue alone.")


def _closed() -> JobError:
    return _interrupted("The workers were ended while the run executed.")


def _interrupted(message: str) -> JobError:
    return JobError("Interrupted", message, LOADING, 0, Verdict.RETRYABLE)
