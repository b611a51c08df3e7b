"""The run that is being executed, for operations that need its id or its time.

Whoever executes a job says so; a retry of a run has the id and the time of its first attempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Running:
    """A run's id, and when its first attempt began (UTC)."""

    id: str
    began: datetime


_running: ContextVar[Running | None] = ContextVar("running", default=None)


@contextmanager
def executing(run_id: str, began: datetime) -> Iterator[None]:
    """Execute the jobs of this context as this run."""
    token = _running.set(Running(run_id, began.astimezone(UTC)))
    try:
        yield
    finally:
        _running.reset(token)


def current() -> Running:
    """Give the run; outside of one its id is empty and it begins now."""
    return _running.get() or Running("", datetime.now(UTC))
