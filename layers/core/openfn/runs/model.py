"""A run's data: the plan that creates it, its status, and the run as stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from openfn import ids
from openfn.project.triggers import Kind
from openfn.storage import blobs
from openfn.storage.dynamodb_values import Item


class RunStatus(StrEnum):
    """The status of a run; `waiting` is for its next attempt or for a circuit."""

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
    """A run to create: its source, its job, and what starts it.

    The source is a message, or a minute of a cron trigger. Runs of one job with the same `order`
    execute one after the other.
    """

    source_id: str
    job: str
    trigger: str
    kind: Kind = Kind.MESSAGE
    upstream: str | None = None
    """The job whose success or failure starts the run."""
    upstream_id: str = ""
    """The run whose success or failure starts it."""
    branch: str = ""
    """What tells it apart from other runs of its job on its source that follow other runs."""
    order: str | None = None
    depth: int = 0
    """How many runs, one after the other, emitted the message that it goes back to."""
    erase: bool = False
    """Whether its contents are erased once all runs of the message have succeeded."""

    @property
    def id(self) -> str:
        """The run's id."""
        return ids.run_id(self.source_id, self.job, self.branch)

    @classmethod
    def from_item(cls, item: Item) -> Self:
        """Return the plan of a stored run."""
        source_id, upstream = ids.source_id_of(item["sk"]), item.get("upstream")
        default = ids.run_id(source_id, upstream) if upstream else ""
        return cls(
            source_id=source_id,
            job=item["job"],
            trigger=item["trigger"],
            kind=Kind(item["kind"]),
            upstream=upstream,
            upstream_id=item.get("upstream_id", default),
            branch=ids.path_of(item["sk"]).partition("@")[2],
            order=item.get("order"),
            depth=int(item.get("depth", 0)),
            erase=bool(item.get("erase")),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run as stored; `attempt` counts from 1 and fences a claim."""

    plan: Plan
    attempt: int
    status: RunStatus
    expires: int
    project_version: str
    """The version of the project that created it."""
    began: int
    """When its first attempt began since it was created, replayed or parked (epoch seconds)."""
    due: int
    """When its next attempt is due (epoch seconds), while it waits for one."""
    started: str
    """When its last attempt began (ISO 8601)."""
    uncounted: int | None
    """The attempts that do not count, such as those before a replay; `None` if all count."""
    crashes: int
    """The attempts whose runner died."""
    attention: str
    """The kind under which it is in the attention index."""
    error: dict[str, Any] | None
    carried_from: str
    """The run that left the state with which this run, of a cron trigger, began."""
    resume_at: tuple[int, tuple[str, ...]] | None
    """The operation at which to resume, and the names of the operations up to it."""
    published: int
    """How many of the emitted messages are published so far."""
    is_published: bool
    """Whether all that follows from its success is published; recorded for `keep: none` only."""
    is_erased: bool
    crashed: bool
    """Whether the attempt before this claim never ended: its runner died."""
    claim: str
    """The token of the last claim."""
    previous_started: str
    """When the attempt before this claim began."""
    _item: Item

    @classmethod
    def from_item(cls, item: Item, *, crashed: bool = False, previous_started: str = "") -> Self:
        """Return the run that an item stores."""
        return cls(
            plan=Plan.from_item(item),
            attempt=int(item["attempt"]),
            status=RunStatus(item["status"]),
            expires=int(item.get("expires", 0)),
            project_version=item.get("project_version", ""),
            began=int(item.get("began", 0)),
            due=int(item.get("due", 0)),
            started=item.get("started", ""),
            uncounted=int(item["before"]) if "before" in item else None,
            crashes=int(item.get("crashes", 0)),
            attention=item.get("attention", ""),
            error=json.loads(item["error"]) if "error" in item else None,
            carried_from=item.get("left_by", ""),
            resume_at=_parse_resume_at(item["resume_at"]) if "resume_at" in item else None,
            published=int(item.get("handed", 0)),
            is_published="published" in item,
            is_erased="erased" in item,
            crashed=crashed,
            claim=item.get("claim", ""),
            previous_started=previous_started,
            _item=item,
        )

    @property
    def id(self) -> str:
        """The run's id."""
        return self.plan.id

    @property
    def job(self) -> str:
        """The job that it executes."""
        return self.plan.job

    @property
    def has_ended(self) -> bool:
        """Whether its outcome is recorded."""
        return self.status.has_ended

    @property
    def tries(self) -> int:
        """The attempts that count towards the job's limit, the current one included."""
        return self.attempt - (self.uncounted or 0)

    @property
    def was_replayed(self) -> bool:
        """Whether it had ended, or waited for a circuit, and runs again."""
        return self.uncounted is not None

    def has(self, content: str) -> bool:
        """Return whether a content is stored: `final`, `initial`, `emitted`, `resume` or `log`."""
        return blobs.has(content, self._item)

    def read(self, content: str) -> bytes:
        """Read a stored content; raise `NotFound` when it has expired or was erased."""
        return blobs.read(content, self._item)

    def cleared(self, content: str) -> dict[str, None]:
        """Return the changes that remove a stored content."""
        return blobs.clear(content, self._item)

    def attributes(self, prefixes: tuple[str, ...]) -> Item:
        """Return the stored attributes whose names begin with one of the prefixes."""
        return {name: value for name, value in self._item.items() if name.startswith(prefixes)}

    def updated(self, changes: Item) -> Run:
        """Return the run after changes to its item; `None` removes an attribute."""
        item = {name: value for name, value in (self._item | changes).items() if value is not None}
        return Run.from_item(item, crashed=self.crashed, previous_started=self.previous_started)


def _parse_resume_at(text: str) -> tuple[int, tuple[str, ...]]:
    operation, names = json.loads(text)
    return operation, tuple(names)
