"""The minutes in which cron triggers are due, and the last minute that was handled.

A tick that is delivered twice does nothing the second time. After a missing tick, the next one
handles all minutes since.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.project.compiled import Project
from openfn.project.triggers import CronTrigger, Kind
from openfn.runs.cron_minutes import due_between
from openfn.runs.model import Plan
from openfn.storage import table

_KEY = {"pk": "clock", "sk": "tick"}
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_LONGEST_GAP = timedelta(days=7) + _MINUTE
# Clocks differ by seconds.
_CLOCK_SKEW = timedelta(minutes=2)
_PIECE_RUNS = 50


@dataclass(frozen=True, slots=True)
class LastHandled:
    """The last minute whose runs are all queued, and the triggers of the project then."""

    minute: datetime | None = None
    triggers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Period:
    """Minutes to handle: later than `after`, up to `until`; `now` is the tick's own minute."""

    after: datetime
    until: datetime
    now: datetime


def minute_of(tick: str, now: float) -> datetime:
    """Return the minute of a tick (UTC), at most two minutes after `now` (epoch seconds).

    A minute in the far future would be recorded as handled, and no trigger would run until then.
    """
    latest = datetime.fromtimestamp(now, UTC) + _CLOCK_SKEW
    minute = min(datetime.fromisoformat(tick), latest).astimezone(UTC)
    return minute.replace(second=0, microsecond=0)


def load_last_handled() -> LastHandled:
    """Load the last minute that was handled; empty before the first."""
    item = next(iter(table.get([_KEY])), None)
    if item is None:
        return LastHandled()
    minute, triggers = datetime.fromisoformat(item["minute"]), json.loads(item["triggers"])
    return LastHandled(minute, frozenset(triggers))


def periods(after: datetime | None, until: datetime) -> Iterator[Period]:
    """Yield the minutes to handle after `after`, in periods of at most an hour.

    Each period is recorded when it is handled. A gap longer than any `catch_up` is cut to a week.
    Without an `after`, only the minute `until` is handled.
    """
    start = max(after, until - _LONGEST_GAP) if after else until - _MINUTE
    while start < until:
        end = min(start + _HOUR, until)
        yield Period(start, end, until)
        start = end


def due_minutes(trigger: CronTrigger, period: Period, known: Container[str]) -> Iterator[datetime]:
    """Yield the minutes of a period in which a trigger is due, as far back as its `catch_up`.

    A trigger that is not among the `known` ones is new and has missed no minute.
    """
    catch_up = trigger.catch_up if trigger.name in known else 0
    earliest = period.now - _MINUTE - timedelta(minutes=catch_up)
    after = max(period.after, earliest)
    return due_between(trigger.cron, trigger.timezone, after, period.until)


def due_runs(
    current: Project, period: Period, known: Container[str]
) -> Iterator[tuple[list[Plan], datetime]]:
    """Yield the runs of a period in pieces of some minutes, each with its last minute.

    A piece is recorded when its runs are queued. The last one ends with the period.
    """
    due: dict[tuple[datetime, str], Plan] = {}
    for trigger in current.cron_triggers:
        for minute in due_minutes(trigger, period, known):
            for job in current.jobs_by_trigger[trigger.name]:
                source_id = ids.minute_id(minute)
                plan = Plan(source_id, job.name, trigger.name, Kind.CRON, order=Kind.CRON)
                # Two triggers of a job may be due in one minute.
                due.setdefault((minute, job.name), plan)
    plans: list[Plan] = []
    by_minute = sorted(((minute, plan) for (minute, _), plan in due.items()), key=itemgetter(0))
    for minute, pairs in groupby(by_minute, itemgetter(0)):
        plans += [plan for _, plan in pairs]
        if len(plans) >= _PIECE_RUNS and minute < period.until:
            yield plans, minute
            plans = []
    yield plans, period.until


def record_handled(minute: datetime, triggers: Iterable[str]) -> None:
    """Record that all runs up to a minute are queued; an earlier minute changes nothing."""
    changes = {"minute": minute.isoformat(), "triggers": json.dumps(sorted(triggers))}
    with suppress(ConditionFailed):  # a later tick has recorded a later minute
        table.update(_KEY, changes, "attribute_not_exists(pk) OR #minute < :new_minute")
