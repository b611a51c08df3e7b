"""The minutes that cron triggers are due in, and the last one that was handled.

A tick that comes twice finds its minutes handled; after one that did not come, the next handles
the minutes since.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from cronsim import CronSim

from openfn.errors import ConditionFailed
from openfn.project.triggers import CronTrigger
from openfn.storage import table

_KEY = {"pk": "clock", "sk": "tick"}
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_LONGEST = timedelta(days=7) + _MINUTE
# Clocks differ by seconds.
_EARLY = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Handled:
    """The last minute of which every run is created and queued, and the triggers it had."""

    minute: datetime | None = None
    triggers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes to handle: behind `after`, up to and with `until`; `now` is the tick's own."""

    after: datetime
    until: datetime
    now: datetime


def minute_of(tick: str, now: float) -> datetime:
    """Give the minute (UTC) of a tick's time, but none in the future: it would end the clock."""
    latest = datetime.fromtimestamp(now, UTC) + _EARLY
    return (
        min(datetime.fromisoformat(tick), latest).astimezone(UTC).replace(second=0, microsecond=0)
    )


def handled() -> Handled:
    """Give how far the clock has come."""
    item = next(iter(table.get([_KEY])), None)
    if item is None:
        return Handled()
    return Handled(datetime.fromisoformat(item["minute"]), frozenset(json.loads(item["triggers"])))


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


def due(trigger: CronTrigger, span: Span, known: Container[str]) -> Iterator[datetime]:
    """Give the minutes of a span a trigger is due in, but none older than its `catch_up`.

    One that was not there when the last minute was handled, not `known`, missed none.
    """
    catch_up = trigger.catch_up if trigger.name in known else 0
    reach = span.now - _MINUTE - timedelta(minutes=catch_up)
    minutes = CronSim(trigger.cron, max(span.after, reach))
    return takewhile(lambda minute: minute <= span.until, minutes)


def set_handled(minute: datetime, triggers: Iterable[str]) -> None:
    """Record that every run up to a minute is created and queued; never goes back."""
    changes = {"minute": minute.isoformat(), "triggers": json.dumps(sorted(triggers))}
    with suppress(ConditionFailed):  # a later tick has recorded a later minute
        table.update(_KEY, changes, "attribute_not_exists(pk) OR #minute < :new_minute")
