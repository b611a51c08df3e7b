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
    if status is RunStatus.FAILED and inbox is None:
        yield from _failed(period)
        return
    for items in queries.newest_first(period):
        source_inbox = next(
            (item["inbox"] for item in items if item_type(item) is ItemType.MESSAGE), None
        )
        if inbox not in (None, source_inbox):
            continue
        for item in reversed(items):
            if item_type(item) is ItemType.RUN and status in (None, item["status"]):
                yield summary_of(item, source_inbox)


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


def _failed(period: Period) -> Iterator[RunSummary]:
    indexed = [
        item
        for item in attention.query_all(Attention.FAILED)
        if period.contains(ids.received_at(item["sk"]), item["sk"])
    ]
    indexed.sort(key=_id, reverse=True)
    for start in range(0, len(indexed), _BATCH):
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in indexed[start : start + _BATCH]]
        for item in sorted(table.get(keys), key=_id, reverse=True):
            if item["status"] == RunStatus.FAILED:  # it may have been replayed meanwhile
                yield summary_of(item)


def _id(item: Item) -> str:
    return str(item["sk"])
