"""The counts of an hour: messages by inbox and state, and runs by job and status.

The tick stores them after the hour has ended, and once more a day later. A day's counts are one
partition, so that a day is read with one query.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from openfn.storage import aws, services, table
from openfn.storage.aws import Setting
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType
from openfn.storage.partitions import MAX_CALLS

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_FIRST, _LAST = "00", "23"
_ATTRIBUTES = ("pk", "sk", "messages", "runs", "last")
Counts = dict[str, Counter[str]]


@dataclass(slots=True)
class HourCounts:
    """What was received in an hour."""

    hour: datetime
    messages: Counts = field(default_factory=dict)
    """The number of messages by inbox and state."""
    runs: Counts = field(default_factory=dict)
    """The number of runs by job and status; a run belongs to the hour of its message."""
    last: dict[str, str] = field(default_factory=dict)
    """The id of the newest message by inbox."""

    @property
    def total(self) -> int:
        """The number of messages of all inboxes."""
        return sum(states.total() for states in self.messages.values())

    def as_values(self) -> dict[str, str]:
        """Return the counts as an item and the position of the counting store them."""
        values = {"messages": self.messages, "runs": self.runs, "last": self.last}
        return {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}


def store(counts: HourCounts) -> None:
    """Store the counts of an hour in place of those of an earlier count."""
    retention = timedelta(days=int(aws.setting(Setting.RETENTION_DAYS)))
    expires = {"expires": int((counts.hour + HOUR + retention).timestamp())}
    key = {"pk": _partition(counts.hour), "sk": f"{counts.hour:%H}"}
    table.update(key, {**counts.as_values(), **expires})


def read(since: datetime, until: datetime) -> list[HourCounts]:
    """Return the counts of the hours that lie in a period, as far as they are stored."""
    days = list(_days(since.astimezone(UTC), until.astimezone(UTC)))
    services.prepare("dynamodb")
    with ThreadPoolExecutor(min(len(days), MAX_CALLS) or 1) as pool:
        hours = [hour for day in pool.map(_read_day, days) for hour in day]
    return [hour for hour in hours if since <= hour.hour and hour.hour + HOUR <= until]


def from_values(hour: datetime, values: Item) -> HourCounts:
    """Return the counts that `as_values` has returned."""
    messages, runs = (
        {name: Counter(counts) for name, counts in json.loads(values[kind]).items()}
        for kind in ("messages", "runs")
    )
    return HourCounts(hour, messages, runs, json.loads(values["last"]))


def _read_day(day: datetime) -> list[HourCounts]:
    items = table.query_range(_partition(day), _FIRST, _LAST, _ATTRIBUTES)
    return [from_values(day.replace(hour=int(item["sk"])), item) for item in items]


def _days(since: datetime, until: datetime) -> Iterator[datetime]:
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= until:
        yield day
        day += _DAY


def _partition(hour: datetime) -> str:
    return f"{ItemType.COUNTS}#{hour:%Y-%m-%d}"
