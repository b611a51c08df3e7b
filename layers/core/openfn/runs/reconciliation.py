"""Reconciliation: find messages and runs that were stored but never queued.

What the queue refused is in the attention index. A function that died could flag nothing, so every
ten minutes all items of the last half hour are read. An orphan is a message without any run or
marker beside it, a run that is still queued, or a running run whose lease is over. Queueing again
what is on the queue already does no harm.

The items are read in pieces, the oldest first. The table holds the position behind the last piece
whose orphans are queued. So a tick without time leaves the rest to the next one, and a tick that
dies only reads its last piece again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.runs.model import Run, RunStatus
from openfn.storage import aws, partitions, table
from openfn.storage.aws import Setting
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

PAGE_ITEMS = 500
"""How many items one call reads, and how many a piece has."""
MAX_ORPHANS = 50
"""How many orphans a piece has: each may need a call to a queue."""
_KEY = {"pk": ItemType.RECONCILIATION.value, "sk": "position"}
# Every item is read twice, ten minutes apart, because the lease of a run may not be over yet.
_EVERY, _NEWEST = timedelta(minutes=10), timedelta(minutes=10)
_ATTRIBUTES = (
    *("pk", "sk", "inbox", "unreadable", "kind", "job", "trigger", "status", "attempt", "lease"),
    *("upstream", "upstream_id", "order", "depth", "erase"),
)


@dataclass(frozen=True, slots=True)
class Position:
    """All items up to the id `after` are read; the current pass ends before `until`."""

    after: str
    until: datetime

    @property
    def is_at_the_end(self) -> bool:
        """Whether the pass is complete."""
        return self.after >= ids.minute_id(self.until)


@dataclass(slots=True)
class Piece:
    """The orphans among some items, in order of their ids, and the position behind them."""

    position: Position
    messages: list[tuple[str, str]] = field(default_factory=list)
    """Ids and inboxes."""
    runs: list[Run] = field(default_factory=list)
    _items: int = 0

    def add(self, items: list[Item]) -> None:
        """Add the items of one source."""
        message_or_run, *beside = items
        if _is_readable_message(message_or_run) and not beside:
            self.messages.append((message_or_run["sk"], message_or_run["inbox"]))
        self.runs += [Run.from_item(item) for item in items if _is_orphaned_run(item)]
        self._items += len(items)
        source_id = ids.source_id_of(message_or_run["sk"])
        self.position = Position(source_id, self.position.until)

    @property
    def is_full(self) -> bool:
        """Whether the next source belongs to another piece."""
        return self._items >= PAGE_ITEMS or len(self.messages) + len(self.runs) >= MAX_ORPHANS


def load_position() -> Position | None:
    """Load the position behind the last piece; `None` before the first."""
    item = next(iter(table.get([_KEY])), None)
    return Position(item["after"], datetime.fromisoformat(item["until"])) if item else None


def start(last: Position | None, minute: datetime) -> Position | None:
    """Return where to read on in this minute; `None` if the last pass is complete and recent.

    A pass begins ten minutes before the end of the last one, however long ago that was.
    """
    if last and not last.is_at_the_end:
        return last
    until = minute - timedelta(minutes=minute.minute % 10) - _NEWEST
    if last is None:
        return _at(until - 2 * _EVERY, until)
    if until <= last.until:
        return None
    retention = timedelta(days=int(aws.setting(Setting.RETENTION_DAYS)))
    return _at(max(last.until - _EVERY, minute - retention), until)


def read(position: Position) -> Iterator[Piece]:
    """Yield the pieces from a position to the end of the pass."""
    piece = Piece(position)
    sources = partitions.oldest_first(
        position.after, position.until, names=_ATTRIBUTES, page_size=PAGE_ITEMS
    )
    for items in sources:
        piece.add(items)
        if piece.is_full:
            yield piece
            piece = Piece(piece.position)
    piece.position = Position(ids.minute_id(position.until), position.until)
    yield piece


def record(last: Position | None, position: Position) -> bool:
    """Record a position; return False, and change nothing, if another tick has recorded one."""
    changes = {"after": position.after, "until": position.until.isoformat()}
    try:
        if last is None:
            table.update(_KEY, changes, "attribute_not_exists(pk)")
        else:
            is_unchanged = "#after = :last_after AND #until = :last_until"
            last_until = last.until.isoformat()
            table.update(_KEY, changes, is_unchanged, last_after=last.after, last_until=last_until)
    except ConditionFailed:
        return False
    return True


def _at(since: datetime, until: datetime) -> Position:
    # One second earlier, so that the runs of a cron trigger in the first minute are read.
    return Position(ids.minute_id(since - timedelta(seconds=1)), until)


def _is_readable_message(item: Item) -> bool:
    return item_type(item) is ItemType.MESSAGE and "unreadable" not in item


def _is_orphaned_run(item: Item) -> bool:
    if item_type(item) is not ItemType.RUN:
        return False
    is_lost = item["status"] == RunStatus.RUNNING and int(item.get("lease") or 0) < time.time()
    return is_lost or item["status"] == RunStatus.QUEUED
