"""The period of a list, and the attributes of items that summaries need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openfn.storage import partitions
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

SUMMARY_ATTRIBUTES = (
    *("pk", "sk", "inbox", "unreadable", "emitted_by", "kind", "job", "trigger", "status"),
    *("attempt", "duration_ms", "error", "due", "upstream", "upstream_id"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """The time range of a list; `before` is the last id of the page before."""

    since: datetime
    until: datetime
    before: str = ""

    def contains(self, received: datetime, identifier: str) -> bool:
        """Return whether an item belongs to the rest of the list."""
        in_time = self.since <= received <= self.until
        return in_time and (not self.before or identifier < self.before)


def newest_first(period: Period, names: Sequence[str] = SUMMARY_ATTRIBUTES) -> Iterator[list[Item]]:
    """Yield the items of each message or minute of a period, the newest first."""
    # An id of the last second sorts after the id of that second.
    until = period.until + timedelta(seconds=1)
    return partitions.newest_first(period.since, until, period.before, names)


def runs_of(source_id: str) -> list[Item]:
    """Return the items of all runs of a message or a minute, in the order of their ids."""
    return [
        item
        for item in partitions.below(source_id, SUMMARY_ATTRIBUTES)
        if item_type(item) is ItemType.RUN
    ]
