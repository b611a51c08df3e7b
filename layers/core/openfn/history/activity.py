"""What a stack received in a period, by hour, inbox, state and job.

A period with few messages is read, so that its counts are of this moment. For a larger one, the
counts that the tick has stored are taken where there are any, and only the rest is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from openfn import ids
from openfn.history import counting, hour_counts
from openfn.history.hour_counts import HOUR, HourCounts
from openfn.storage import partitions
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

MAX_READ = 20_000
"""A period with more messages than this is not read, if it was counted."""
MAX_READ_BESIDE_COUNTS = 100_000
"""The most messages that are read in the hours of a large period that are not counted yet."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The counts of a period by hour; its first and last hour may be parts of one."""

    hours: Sequence[HourCounts]
    more: bool
    """Whether the period has more messages than were counted."""

    @property
    def states(self) -> Counter[str]:
        """The number of messages by state."""
        return _sum(states for hour in self.hours for states in hour.messages.values())

    @property
    def statuses(self) -> Counter[str]:
        """The number of runs by status."""
        return _sum(statuses for hour in self.hours for statuses in hour.runs.values())

    @property
    def last(self) -> datetime | None:
        """When the newest message was received."""
        newest = max((name for hour in self.hours for name in hour.last.values()), default=None)
        return ids.received_at(newest) if newest else None


def read(
    since: datetime,
    until: datetime,
    limit: int = MAX_READ,
    limit_beside_counts: int = MAX_READ_BESIDE_COUNTS,
) -> Activity:
    """Return the counts of a period.

    A period with more than `limit` messages is taken from its counts, and at most
    `limit_beside_counts` messages are read in its other hours.
    """
    counted = hour_counts.read(since, until)
    if sum(hour.total for hour in counted) <= limit:
        counted = []
    else:
        limit = limit_beside_counts
    hours = {hour.hour: hour for hour in counted}
    reader = _Reader(limit)
    for begin, end in _gaps(since, until, [*hours]):
        counting.add(reader.sources(begin, end), hours)
    return Activity([hours[hour] for hour in sorted(hours)], reader.more)


class _Reader:
    """Reads the items of some periods, up to a number of messages."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.more = False

    def sources(self, since: datetime, until: datetime) -> Iterator[list[Item]]:
        names = counting.ATTRIBUTES
        for items in partitions.newest_first(since, until, names=names):
            is_message = item_type(items[0]) is ItemType.MESSAGE
            if is_message and not self._left:
                self.more = True
                return
            self._left -= is_message
            yield items


def _gaps(
    since: datetime, until: datetime, counted: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a period that are not counted, the newest first."""
    end = until
    for hour in sorted(counted, reverse=True):
        if hour + HOUR < end:
            yield hour + HOUR, end
        end = hour
    if since < end:
        yield since, end


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total = Counter[str]()
    for counter in counters:
        total.update(counter)
    return total
