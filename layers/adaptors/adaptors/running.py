"""Deprecated names of the first release; use `current_run` and `run_context` of `adaptors.sdk`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime

from adaptors._runtime import run_context
from adaptors._runtime.run_context import RunContext, UnitOfWork
from adaptors._runtime.run_context import attempt as attempting
from adaptors._runtime.run_context import on_attempt_end as at_end
from adaptors._runtime.run_context import run_context as executing

__all__ = ["End", "Running", "at_end", "attempting", "current", "executing"]

warnings.warn(
    "adaptors.running is deprecated: import from adaptors.sdk.", DeprecationWarning, stacklevel=2
)


class Running(RunContext):
    """A run with the properties of the first release."""

    __slots__ = ()

    @property
    def began(self) -> datetime:
        """Return `started_at`."""
        return self.started_at


def current() -> Running:
    """Return the current run."""
    run = run_context.current_run()
    return Running(run.id, run.started_at)


def End(  # noqa: N802 - a class of the first release
    commit: Callable[[], object], rollback: Callable[[], object], pending: Callable[[], bool]
) -> UnitOfWork:
    """Return work that is committed or rolled back when the attempt ends."""
    return UnitOfWork(commit, rollback, pending)
