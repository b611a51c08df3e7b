"""A run's data: the plan that creates it, its status, and the run as stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openfn import ids
from openfn.project.triggers import Kind
from openfn.storage.aws import Item


class RunStatus(StrEnum):
    """What a run does; `waiting` is for its next attempt or for a circuit to close."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether the outcome is recorded."""
        return self in {RunStatus.SUCCEEDED, RunStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is to be: its origin, its job, and what started it.

    Runs of a job with the same `order` execute one after the other. `depth` counts the runs that
    emitted the message it goes back to, one out of the other.
    """

    origin: str
    job: str
    trigger: str
    kind: Kind = Kind.MESSAGE
    upstream: str | None = None
    """The job whose success or failure starts it."""
    order: str | None = None
    depth: int = 0
    erase: bool = False
    """Whether its inbox asks that nothing of it is kept once all has ended well."""

    @property
    def id(self) -> str:
        """The run's id."""
        return ids.run_id(self.origin, self.job)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is kept; `attempt` counts from 1 and fences a claim."""

    plan: Plan
    attempt: int
    status: RunStatus
    kept: Item
    """The item, for the contents beside it: `final`, `initial`, `emitted`, `resume`."""
    crashed: bool = False
    """Whether the attempt before this claim was never ended: its runner died."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.plan.id

    @property
    def job(self) -> str:
        """The job it applies."""
        return self.plan.job

    @property
    def has_ended(self) -> bool:
        """Whether its outcome is recorded."""
        return self.status.has_ended

    @property
    def began(self) -> int:
        """When its first attempt began (epoch seconds)."""
        return int(self.kept["began"])

    @property
    def tries(self) -> int:
        """How often it has been tried, the attempt at hand included, since it was last replayed."""
        return self.attempt - int(self.kept.get("before", 0))

    @property
    def replayed(self) -> bool:
        """Whether it had ended before and runs again."""
        return "before" in self.kept

    @property
    def due(self) -> int:
        """When its next attempt is due (epoch seconds), while it waits for one."""
        return int(self.kept.get("due", 0))
