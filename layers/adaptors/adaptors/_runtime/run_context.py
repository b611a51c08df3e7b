"""The current run: its id and start, and what adaptors do when an attempt ends.

Whatever executes a job sets it. A retry has the id and the start of the run's first attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adaptors.absent import absent_values


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run's id, when its first attempt started (UTC), and the project's time zone.

    `adaptor` is the one that project.yaml names for the credential; "" without a credential.
    `folder` has the job's file and the modules beside it.
    """

    id: str
    started_at: datetime
    timezone: str = "UTC"
    adaptor: str = ""
    folder: Path | None = None

    def read_source(self) -> str:
        """Return the source code of the job and of the modules in its folder."""
        files = sorted(self.folder.rglob("*.py")) if self.folder else []
        return "\n".join(file.read_text("utf-8", "replace") for file in files)


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """Work of an adaptor that is committed or rolled back when the attempt ends.

    `is_pending` returns whether it would be lost without a commit.
    """

    commit: Callable[[], object]
    rollback: Callable[[], object]
    is_pending: Callable[[], bool]


_run: ContextVar[RunContext | None] = ContextVar("run", default=None)
_units: ContextVar[list[UnitOfWork] | None] = ContextVar("units", default=None)


@contextmanager
def run_context(
    run_id: str,
    started_at: datetime,
    *,
    missing_is_null: bool = False,
    timezone: str = "UTC",
    adaptor: str = "",
    folder: Path | None = None,
) -> Iterator[None]:
    """Execute the jobs of this context as this run.

    With `missing_is_null`, a path that finds nothing is null, and not absent.
    """
    token = _run.set(RunContext(run_id, started_at.astimezone(UTC), timezone, adaptor, folder))
    try:
        with absent_values(missing_is_null=missing_is_null):
            yield
    finally:
        _run.reset(token)


def current_run() -> RunContext:
    """Return the current run. Outside of one, its id is empty and it starts now."""
    return _run.get() or RunContext("", datetime.now(UTC))


@contextmanager
def attempt() -> Iterator[Callable[[], bool]]:
    """Make an attempt: commit the work of adaptors at its end, or roll it back after an error.

    Yields a function that returns whether work is pending. Raises what a commit raises.
    """
    units: list[UnitOfWork] = []
    token = _units.set(units)
    try:
        yield lambda: any(unit.is_pending() for unit in units)
        while units:
            units[0].commit()
            del units[0]
    finally:
        _units.reset(token)
        _roll_back(units)


def on_attempt_end(unit: UnitOfWork) -> bool:
    """Commit or roll back this work when the attempt ends; return False outside of one."""
    units = _units.get()
    if units is None:
        return False
    units.append(unit)
    return True


def _roll_back(units: list[UnitOfWork]) -> None:
    if units:
        try:
            with suppress(Exception):
                units.pop().rollback()
        finally:  # an interrupted rollback must not prevent the others
            _roll_back(units)
