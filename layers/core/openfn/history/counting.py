"""Count what was received in the hours that have ended, a few shards at a time.

An hour is counted some minutes after its end and once more a day later, when most of its runs have
ended. The table holds the position, with the counts of the shards before it. So a tick without
time leaves the rest to the next one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.history import hour_counts, messages
from openfn.history.hour_counts import HOUR, HourCounts
from openfn.storage import partitions, table
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type
from openfn.time_budget import TimeBudget

_KEY = {"pk": ItemType.COUNTS.value, "sk": "position"}
ATTRIBUTES = ("pk", "sk", "inbox", "unreadable", "job", "status")
"""The attributes that `add` needs."""
# A post that began before the end of the hour is stored, and most runs have ended.
_SETTLED = timedelta(minutes=5)
_DAY = timedelta(days=1)
# After ticks were missing. Longer gaps are counted when somebody asks.
_LONGEST_GAP = 2 * _DAY
_MOST_HOURS = 6


@dataclass(frozen=True, slots=True)
class Position:
    """A pass over the hours from `since` to `until`, which lie in one day."""

    since: datetime
    until: datetime
    again: bool = False
    """Whether it counts the same hours of the day before once more."""
    shards: int = 0
    """How many shards are counted."""
    counts: tuple[HourCounts, ...] = ()
    """The counts of these shards, by hour."""

    @property
    def is_complete(self) -> bool:
        """Whether all shards are counted."""
        return self.shards == len(ids.SHARDS)

    @property
    def hours(self) -> list[datetime]:
        """The hours that the pass counts."""
        first = self.since - _DAY if self.again else self.since
        return [first + number * HOUR for number in range((self.until - self.since) // HOUR)]


def count(minute: datetime, budget: TimeBudget) -> None:
    """Count the hours that have ended, at least one shard of them."""
    last, revision = _load()
    while (position := _next(last, minute)) is not None:
        last = _count_shards(position, budget)
        if last.is_complete:
            for counts in last.counts:
                hour_counts.store(counts)
            last = replace(last, counts=())
        if not _record(last, revision) or budget.is_used_up:
            return  # another tick counts, or the next one goes on
        revision += 1


def _next(last: Position | None, minute: datetime) -> Position | None:
    ended = (minute - _SETTLED).replace(minute=0, second=0, microsecond=0)
    if last is None:
        return Position(ended, ended, again=True)
    if not last.is_complete:
        return last
    if not last.again:
        return Position(last.since, last.until, again=True)
    since = max(last.until, ended - _LONGEST_GAP)
    if since >= ended:
        return None
    midnight = since.replace(hour=0) + _DAY
    return Position(since, min(since + _MOST_HOURS * HOUR, midnight, ended))


def _count_shards(position: Position, budget: TimeBudget) -> Position:
    counts = position.counts or tuple(HourCounts(hour) for hour in position.hours)
    shards = position.shards
    while shards < len(ids.SHARDS) and counts:
        first, last = counts[0].hour, counts[-1].hour + HOUR
        sources = partitions.of_shard(ids.SHARDS[shards], first, last, ATTRIBUTES)
        add(sources, {hour.hour: hour for hour in counts})
        shards += 1
        if budget.is_used_up:
            break
    shards = shards if counts else len(ids.SHARDS)
    return replace(position, shards=shards, counts=counts)


def add(sources: Iterable[Sequence[Item]], hours: dict[datetime, HourCounts]) -> None:
    """Add the items of messages and minutes to the counts of their hours."""
    for items in sources:
        source_id = ids.source_id_of(items[0]["sk"])
        hour = ids.received_at(source_id).replace(minute=0, second=0, microsecond=0)
        counts = hours.setdefault(hour, HourCounts(hour))
        if item_type(items[0]) is ItemType.MESSAGE:
            inbox = items[0]["inbox"]
            counts.messages.setdefault(inbox, Counter())[messages.state_of(items)] += 1
            counts.last[inbox] = max(source_id, counts.last.get(inbox, ""))
        for item in items:
            if item_type(item) is ItemType.RUN:
                counts.runs.setdefault(item["job"], Counter())[item["status"]] += 1


def _load() -> tuple[Position | None, int]:
    item = next(iter(table.get([_KEY])), None)
    if item is None:
        return None, 0
    since, until = (datetime.fromisoformat(item[name]) for name in ("since", "until"))
    counts = tuple(
        hour_counts.from_values(datetime.fromisoformat(values["hour"]), values)
        for values in json.loads(item["counts"])
    )
    return Position(since, until, item["again"], int(item["shards"]), counts), int(item["revision"])


def _record(position: Position, revision: int) -> bool:
    """Record a position; return False, and change nothing, if another tick has recorded one."""
    counts = [
        {"hour": hour.hour.astimezone(UTC).isoformat(), **hour.as_values()}
        for hour in position.counts
    ]
    changes = {
        "since": position.since.isoformat(),
        "until": position.until.isoformat(),
        "again": position.again,
        "shards": position.shards,
        "counts": json.dumps(counts, ensure_ascii=False),
        "revision": revision + 1,
    }
    try:
        if revision:
            table.update(_KEY, changes, "#revision = :read", read=revision)
        else:
            table.update(_KEY, changes, "attribute_not_exists(pk)")
    except ConditionFailed:
        return False
    return True
