"""The minutes in which a cron expression is due, in a time zone and as in Debian's cron.

An expression whose minute or hour begins with `*` follows the local time: it is due twice in an
hour that comes twice, and never in a skipped one. Any other is due once: right after the gap if its
time is skipped, and only the first time if its time comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import takewhile

from cronsim import CronSim

_MINUTE = timedelta(minutes=1)


def due_between(cron: str, timezone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the minutes (UTC) later than `after`, up to `until`, in which an expression is due."""
    if timezone == "UTC":
        yield from _matches(cron, after, until)
        return
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - loaded when first needed

    zone = ZoneInfo(timezone)
    first, last = _local(after, zone), _local(until, zone)
    is_constant = last - first == until - after
    # Clocks rarely change: otherwise the minutes are those of the local time, moved.
    steps = [(after, until)] if is_constant else _single_minutes(after, until)
    for start, end in steps:
        yield from _due(cron, start, end, zone)


def _single_minutes(after: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while after < until:
        yield after, after + _MINUTE
        after += _MINUTE


def _due(cron: str, after: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield the due minutes of a period in which clocks do not change, or of a single minute."""
    before, last = _local(after, zone), _local(until, zone)
    if _follows_local_time(cron):
        before = last - (until - after)
    elif last - before > until - after:  # the first minute after a gap
        yield from [until] if any(_matches(cron, before, last)) else []
        return
    for local in _matches(cron, before, last):
        minute = until - (last - local)
        if _follows_local_time(cron) or not minute.astimezone(zone).fold:
            yield minute


def _matches(cron: str, after: datetime, until: datetime) -> Iterator[datetime]:
    return takewhile(lambda minute: minute <= until, CronSim(cron, after))


def _local(minute: datetime, zone: tzinfo) -> datetime:
    return minute.astimezone(zone).replace(tzinfo=None)


def _follows_local_time(cron: str) -> bool:
    return any(field.startswith("*") for field in cron.split()[:2])
