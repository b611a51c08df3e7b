"""Which runs execute at the moment, so that a built-in destination knows who sends a request."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from openfn import ids
from openfn.jobs.job_file import JobFile, Listener, OperationName, Start
from openfn.jobs.runtime import Executor, Session


@dataclass(slots=True)
class ExecutingRuns:
    """The ids of the runs that execute, by their credential."""

    _runs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, credential: str, run_id: str) -> None:
        """Note that a run executes."""
        with self._lock:
            self._runs[credential].append(run_id)

    def remove(self, credential: str, run_id: str) -> None:
        """Note that a run has ended."""
        with self._lock:
            self._runs[credential].remove(run_id)

    def sender(self, credential: str) -> tuple[str, str]:
        """Return the job and the id of the run that use a credential; `""` if there are several."""
        with self._lock:
            runs = list(self._runs[credential])
        jobs = {ids.job_of(run_id) for run_id in runs}
        return jobs.pop() if len(jobs) == 1 else "", runs[0] if len(runs) == 1 else ""


@dataclass(frozen=True, slots=True)
class ObservedExecutor:
    """An executor whose runs are noted while they execute."""

    executor: Executor
    executing: ExecutingRuns

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
        """Execute a job with the executor."""
        with self.executor.session(credential, seconds, end, listener, alone=alone) as session:
            observed = _ObservedSession(session, self.executing, credential or "")
            try:
                yield observed
            finally:
                observed.end()

    def resize(self, megabytes: int, runs: int) -> None:
        """Set the memory for all jobs together, and how many run at the same time."""
        self.executor.resize(megabytes, runs)

    def settle(self) -> None:
        """Clean up after the jobs that have ended."""
        self.executor.settle()

    def close(self) -> None:
        """End all processes that execute jobs."""
        self.executor.close()


@dataclass(slots=True)
class _ObservedSession:
    session: Session
    executing: ExecutingRuns
    credential: str
    run_id: str = ""

    def load(self, job: JobFile) -> Sequence[OperationName]:
        """Load a job, and note its run."""
        self.run_id = job.run_id
        self.executing.add(self.credential, self.run_id)
        return self.session.load(job)

    def execute(self, start: Start) -> None:
        """Apply the operations of the job."""
        self.session.execute(start)

    def end(self) -> None:
        """Note that the run has ended."""
        if self.run_id:
            self.executing.remove(self.credential, self.run_id)
