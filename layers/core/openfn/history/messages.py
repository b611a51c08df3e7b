"""What a stack has kept, the newest first: messages and runs, read day by day until it is enough.

A day lies on sixteen partition keys, and what is read of each is in the order of its ids. Runs that
have failed are found by the index `attention`, where only what is wrong is.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from openfn import ids
from openfn.history.details import query
from openfn.messages import store as messages
from openfn.runs.model import RunStatus
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.item_type import ItemType, item_type

_NAMES = (
    *("pk", "sk", "inbox", "unreadable", "emitted_by", "kind", "job", "trigger", "status"),
    *("attempt", "duration_ms", "error", "due", "upstream"),
)
UNMATCHED, MATCHED, UNREADABLE, KEPT = "unmatched", "matched", "unreadable", "kept"


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run as a list shows it; `error` has type, message, operation, line and verdict."""

    id: str
    job: str
    trigger: str
    status: str
    attempt: int
    received: datetime
    duration_ms: int | None
    error: dict[str, Any] | None
    next: datetime | None
    upstream: str | None
    inbox: str | None = None
    """Where its message came in, as far as the message was read with it."""


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message as a list shows it: where it came in, what it is, and the runs that go back to it.

    `state` is `unreadable`, `unmatched`, `matched`, or `kept` while it waits for the matcher.
    """

    id: str
    inbox: str
    state: str
    received: datetime
    emitted_by: str | None
    runs: tuple[ListedRun, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """The time to look at, and an id to go on behind: a list that was not all."""

    since: datetime
    until: datetime
    before: str = ""


def read_messages(span: Span) -> Iterator[ListedMessage]:
    """Read the messages of a span, the newest first."""
    for family in _families(span):
        by_key = {item["sk"]: item for item in family}
        message = by_key.get(ids.source_id_of(family[-1]["sk"]))
        if message and _is_behind(span, message["sk"]):
            yield _message(message, family)


def read_runs(
    span: Span, status: str | None = None, inbox: str | None = None
) -> Iterator[ListedRun]:
    """Read the runs of a span, of one status and inbox or of any, the newest first."""
    if status == RunStatus.FAILED and inbox is None:
        yield from _failed(span)
        return
    for family in _families(span):
        own = next((item["inbox"] for item in family if "inbox" in item), None)
        for item in family:
            if _is_run(item) and _is_behind(span, item["sk"]):
                run = _run(item, own)
                if status in (None, run.status) and inbox in (None, own):
                    yield run


def read_family(origin: str) -> list[ListedRun]:
    """Read all runs that go back to a message or a minute of the clock."""
    values = {"pk": ids.key_of(origin)["pk"], "sk": f"{origin}#"}
    found = _query("pk = :pk AND begins_with(sk, :sk)", values)
    return [_run(item) for item in found if _is_run(item)]


def _failed(span: Span) -> Iterator[ListedRun]:
    found = attention.query_all(Attention.FAILED)
    there = [item for item in found if span.since <= ids.received_at(item["sk"]) <= span.until]
    there = [item for item in there if _is_behind(span, item["sk"])]
    there.sort(key=lambda item: str(item["sk"]), reverse=True)
    for start in range(0, len(there), 100):
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in there[start : start + 100]]
        items = sorted(table.get(keys), key=lambda item: str(item["sk"]), reverse=True)
        yield from (_run(item) for item in items if item["status"] == RunStatus.FAILED)


def _is_behind(span: Span, sk: str) -> bool:
    return not span.before or sk < span.before


def _families(span: Span) -> Iterator[list[dict[str, Any]]]:
    day = span.until.date()
    while day >= span.since.date():
        found = [_descending(f"{day}#{shard}", span) for shard in ids.SHARDS]
        merged = heapq.merge(*found, key=lambda item: str(item["sk"]), reverse=True)
        for _, items in groupby(merged, lambda item: ids.source_id_of(item["sk"])):
            yield list(items)
        day -= timedelta(days=1)


def _descending(partition: str, span: Span) -> Iterator[dict[str, Any]]:
    last = span.before or ids.minute_id(span.until + timedelta(seconds=1))
    values = {"pk": partition, "first": ids.minute_id(span.since), "last": last}
    return _query("pk = :pk AND sk BETWEEN :first AND :last", values, ScanIndexForward=False)


def _query(condition: str, values: dict[str, Any], **request: Any) -> Iterator[dict[str, Any]]:
    return query(
        condition,
        values,
        ProjectionExpression=", ".join(f"#{name}" for name in _NAMES),
        ExpressionAttributeNames={f"#{name}": name for name in _NAMES},
        **request,
    )


def _is_run(item: dict[str, Any]) -> bool:
    return item_type(item) is ItemType.RUN


def _message(item: dict[str, Any], family: list[dict[str, Any]]) -> ListedMessage:
    own = (_run(each, item["inbox"]) for each in family if _is_run(each))
    found = tuple(sorted(own, key=lambda run: run.id))
    unmatched = any(each.get("status") == messages.UNMATCHED for each in family)
    state = MATCHED if found else UNMATCHED if unmatched else KEPT
    return ListedMessage(
        item["sk"],
        item["inbox"],
        UNREADABLE if "unreadable" in item else state,
        ids.received_at(item["sk"]),
        item.get("emitted_by"),
        found,
    )


def _run(item: dict[str, Any], inbox: str | None = None) -> ListedRun:
    duration, due = item.get("duration_ms"), item.get("due")
    return ListedRun(
        item["sk"],
        item["job"],
        item["trigger"],
        item["status"],
        int(item["attempt"]),
        ids.received_at(item["sk"]),
        None if duration is None else int(duration),
        json.loads(item["error"]) if item.get("error") else None,
        datetime.fromtimestamp(int(due), UTC)
        if due and item["status"] == RunStatus.WAITING
        else None,
        item.get("upstream"),
        inbox,
    )
