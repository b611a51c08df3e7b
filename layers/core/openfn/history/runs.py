"""Summaries of runs, the newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openfn import ids
from openfn.history import queries
from openfn.history.queries import Period
from openfn.project.triggers import Kind
from openfn.runs.model import RunStatus
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

_BATCH = 100


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list; `error` has type, message, operation, line and verdict."""

    id: str
    job: str
    trigger: str
    kind: Kind
    status: RunStatus
    attempt: int
    received: datetime
    duration_ms: int | None
    error: dict[str, Any] | None
    next: datetime | None
    """When the next attempt is due."""
    upstream: str | None
    inbox: str | None = None
    """The inbox of its message, if the message was read with it."""


def newest_first(
    period: Period, status: RunStatus | None = None, inbox: str | None = None
) -> Iterator[RunSummary]:
    """Yield the runs of a period, optionally of one status or inbox, newest first."""
    return (run for run, matches in search(period, status, inbox) if matches)


def search(
    period: Period, status: RunStatus | None = None, inbox: str | None = None
) -> Iterator[tuple[RunSummary, bool]]:
    """Yield the runs that are read for `newest_first`, and whether they belong to it.

    Failed and waiting runs of all inboxes come from the index `attention`.
    """
    if inbox is None and status in (RunStatus.FAILED, RunStatus.WAITING):
        yield from ((run, True) for run in _indexed(period, status))
        return
    for items in queries.newest_first(period):
        source_inbox = next(
            (item["inbox"] for item in items if item_type(item) is ItemType.MESSAGE), None
        )
        for item in reversed(items):
            if item_type(item) is ItemType.RUN:
                matches = status in (None, item["status"]) and inbox in (None, source_inbox)
                yield summary_of(item, source_inbox), matches


def summary_of(item: Item, inbox: str | None = None) -> RunSummary:
    """Return the summary of a run's item."""
    return RunSummary(
        id=item["sk"],
        job=item["job"],
        trigger=item["trigger"],
        kind=Kind(item["kind"]),
        status=RunStatus(item["status"]),
        attempt=int(item["attempt"]),
        received=ids.received_at(item["sk"]),
        duration_ms=duration_ms(item),
        error=error_of(item),
        next=next_attempt_at(item),
        upstream=item.get("upstream"),
        inbox=inbox,
    )


def error_of(item: Item) -> dict[str, Any] | None:
    """Return the error of a run's or an attempt's item."""
    error: dict[str, Any] | None = json.loads(item["error"]) if item.get("error") else None
    return error


def duration_ms(item: Item) -> int | None:
    """Return how long a run's last attempt took, in milliseconds."""
    duration = item.get("duration_ms")
    return None if duration is None else int(duration)


def next_attempt_at(item: Item) -> datetime | None:
    """Return when a waiting run is due; None behind an open circuit."""
    due = int(item.get("due", 0))
    is_waiting = item["status"] == RunStatus.WAITING
    return datetime.fromtimestamp(due, UTC) if due and is_waiting else None


def _indexed(period: Period, status: RunStatus) -> Iterator[RunSummary]:
    kinds = [Attention.FAILED] if status is RunStatus.FAILED else _kinds_of_waiting()
    keys = {
        item["sk"]: {"pk": item["pk"], "sk": item["sk"]}
        for kind in kinds
        for item in attention.query_all(kind)
        if ids.is_run_id(item["sk"]) and period.contains(ids.received_at(item["sk"]), item["sk"])
    }
    newest = sorted(keys, reverse=True)
    for start in range(0, len(newest), _BATCH):
        batch = [keys[name] for name in newest[start : start + _BATCH]]
        for item in sorted(table.get(batch), key=_id, reverse=True):
            if item["status"] == status:  # it may have been replayed meanwhile
                yield summary_of(item)


def _kinds_of_waiting() -> list[str]:
    """Return the kinds of runs that wait for a time, for the queue or behind a circuit."""
    circuits = [item["pk"].partition("#")[2] for item in attention.query_all(Attention.CIRCUIT)]
    behind = [attention.behind_circuit(credential) for credential in circuits]
    return [Attention.WAITING, Attention.RUN_UNQUEUED, *behind]


def _id(item: Item) -> str:
    return str(item["sk"])
