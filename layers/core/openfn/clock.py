"""The minutes that cron triggers are due in, and the last one that was handled.

A tick that comes twice finds its minutes handled; after one that did not come, the next handles
the minutes since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from botocore.exceptions import ClientError
from cronsim import CronSim

from openfn import table
from openfn.triggers import CronTrigger

_KEY = {"pk": "clock", "sk": "tick"}
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_LONGEST = timedelta(days=7) + _MINUTE


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes to handle: behind `after`, up to and with `until`; `now` is the tick's own."""

    after: datetime
    until: datetime
    now: datetime


def minute_of(time: str) -> datetime:
    """Give the minute (UTC) of an event's time."""
    return datetime.fromisoformat(time).astimezone(UTC).replace(second=0, microsecond=0)


def handled() -> datetime | None:
    """Give the last minute of which every run is created and queued; `None` before the first."""
    item = next(iter(table.get([_KEY])), None)
    return datetime.fromisoformat(item["minute"]) if item else None


def spans(after: datetime | None, until: datetime) -> Iterator[Span]:
    """Give the minutes to handle up to and with `until`, behind `after`, the last one handled.

    A long gap comes in spans of an hour, each to be recorded when it is handled; a gap longer than
    any `catch_up` is cut. Before anything was handled there is only the minute `until`.
    """
    begin = max(after, until - _LONGEST) if after else until - _MINUTE
    while begin < until:
        end = min(begin + _HOUR, until)
        yield Span(begin, end, until)
        begin = end


def due(trigger: CronTrigger, span: Span) -> Iterator[datetime]:
    """Give the minutes of a span a trigger is due in, but none older than its `catch_up`."""
    reach = span.now - _MINUTE - timedelta(minutes=trigger.catch_up)
    minutes = CronSim(trigger.cron, max(span.after, reach))
    return takewhile(lambda minute: minute <= span.until, minutes)


def set_handled(minute: datetime) -> None:
    """Record that every run up to a minute is created and queued; never goes back."""
    changes = {"minute": minute.isoformat()}
    try:
        table.update(_KEY, changes, "attribute_not_exists(pk) OR #minute < :new_minute")
    except ClientError as error:
        table.item_in(error)  # a tick that came late: another has been further
