"""The run that is being executed: its id, its time, and what adaptors do when an attempt ends.

Whoever executes a job says so; a retry of a run has the id and the time of its first attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run's id, and when its first attempt began (UTC)."""

    id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """What an adaptor does when an attempt ends well, and when it does not.

    `pending` tells whether work is waiting for its commit, and would be lost with the attempt.
    """

    commit: Callable[[], object]
    rollback: Callable[[], object]
    pending: Callable[[], bool]


_running: ContextVar[RunContext | None] = ContextVar("running", default=None)
_ends: ContextVar[list[UnitOfWork] | None] = ContextVar("ends", default=None)


@contextmanager
def run_context(run_id: str, began: datetime) -> Iterator[None]:
    """Execute the jobs of this context as this run."""
    token = _running.set(RunContext(run_id, began.astimezone(UTC)))
    try:
        yield
    finally:
        _running.reset(token)


def current_run() -> RunContext:
    """Give the run; outside of one its id is empty and it begins now."""
    return _running.get() or RunContext("", datetime.now(UTC))


@contextmanager
def attempt() -> Iterator[Callable[[], bool]]:
    """Make an attempt: what adaptors have begun is committed at its end, or rolled back.

    What a commit raises is raised here. Gives a function that tells whether work is pending.
    """
    ends: list[UnitOfWork] = []
    token = _ends.set(ends)
    try:
        yield lambda: any(each.pending() for each in ends)
        while ends:
            ends[0].commit()
            del ends[0]
    finally:
        _ends.reset(token)
        _roll_back(ends)


def on_attempt_end(end: UnitOfWork) -> bool:
    """Have something done when the attempt ends; `False` outside of one, where nobody does it."""
    ends = _ends.get()
    if ends is None:
        return False
    ends.append(end)
    return True


def _roll_back(ends: list[UnitOfWork]) -> None:
    if ends:
        try:
            with suppress(Exception):
                ends.pop().rollback()
        finally:  # one that is stopped must not keep the others from theirs
            _roll_back(ends)
