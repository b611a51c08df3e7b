"""The interface through which an attempt at a job uses the adaptors.

This layer imports no adaptors, so that a job executes with any set of them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol


class JobRuntime(Protocol):
    """Connects an attempt to the adaptors that its job uses."""

    def run_context(self, run_id: str, began: datetime) -> AbstractContextManager[None]:
        """Let adaptors know the run, and when its first attempt began."""

    def emit_to(self, receive: Callable[[str, str], object]) -> AbstractContextManager[None]:
        """Pass inbox and body (JSON text) of each emitted message to `receive`."""

    def attempt(self) -> AbstractContextManager[Callable[[], bool]]:
        """Commit the adaptors' work at the end, or roll it back after an error.

        Yields a function that returns whether work waits for its commit.
        """

    def on_unexpected_error(self, run_id: str, error: BaseException) -> None:
        """Report an error that is neither the job's nor an adaptor's."""
