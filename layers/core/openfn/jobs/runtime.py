"""The interfaces between an attempt at a job, the process that executes it, and the adaptors.

This layer imports no adaptors, so that a job executes with any set of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from openfn.errors import OpenFnError
from openfn.jobs.job_file import JobFile, Listener, OperationName, Start


class JobRuntime(Protocol):
    """Connects the execution of a job to the adaptors that it uses."""

    def run_context(
        self, run_id: str, began: datetime, adaptor: str = "", folder: Path | None = None
    ) -> AbstractContextManager[None]:
        """Let adaptors know the run, when it began, its credential's adaptor and its folder."""

    def emit_to(self, receive: Callable[[str, str], object]) -> AbstractContextManager[None]:
        """Pass inbox and body (JSON text) of each emitted message to `receive`."""

    def tokens(
        self,
        ask: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        on_secret: Callable[[str], object],
    ) -> AbstractContextManager[None]:
        """Let adaptors ask for stored tokens, and report the tokens that they fetch."""

    def attempt(self) -> AbstractContextManager[Callable[[], bool]]:
        """Commit the adaptors' work at the end, or roll it back after an error.

        Yields a function that returns whether work waits for its commit.
        """

    def late_imports(
        self, adaptors: Collection[str], names: Collection[str], texts: Collection[str]
    ) -> Iterable[str]:
        """Return the modules that adaptors import only when such jobs need them.

        The jobs use these adaptors and names (of operations and functions), and contain these
        texts.
        """


class Session(Protocol):
    """One execution of a job: load it, then give it a state.

    Both methods raise `JobError`, or `Interrupted` if the job can go on alone.
    """

    def load(self, job: JobFile) -> Sequence[OperationName]:
        """Load a job, and return its operations."""

    def execute(self, start: Start) -> None:
        """Apply the operations of the job from a state on."""


class Executor(Protocol):
    """Executes jobs: in workers, or in this process."""

    def session(
        self,
        credential: str | None,
        seconds: float,
        end: float,
        listener: Listener,
        *,
        alone: bool = False,
    ) -> AbstractContextManager[Session]:
        """Execute a job that uses a credential, for some seconds and until `end` (monotonic).

        With `alone`, no other job executes meanwhile. What the job prints, its progress and its
        final state go to the listener.
        """

    def resize(self, megabytes: int, runs: int) -> None:
        """Set the memory for all jobs together, and how many run at the same time."""

    def settle(self) -> None:
        """Clean up after the jobs that have ended, before the function may be frozen."""

    def close(self) -> None:
        """End all processes that execute jobs."""


class Interrupted(OpenFnError):
    """The process of the job was killed for another's sake; the job can go on alone."""
