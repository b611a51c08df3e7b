"""Cursors: the point, usually a time, where a job's next run continues."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from adaptors._runtime.run_context import current_run
from adaptors.operations import Operation, State, resolve

_AGO = re.compile(r"(\d+) +(minute|hour|day|week)s? +ago")


def cursor(
    value: Any,
    *,
    key: str = "cursor",
    default: Any = None,
    format: str | Callable[[datetime], Any] | None = None,  # noqa: A002 - OpenFn's name for it
    timezone: str | None = None,
) -> Operation:
    """Store a cursor in the state: `value`, or `default` if it is `None`.

    A text may name a time. `start`, `now` and `end` are the start of the run; `today` and
    `yesterday` the start of that day; `3 hours ago` and `5 minutes ago` are relative to the
    start of the run; `2 days ago` and `1 week ago` are the start of that day. Other texts stay as
    they are. Days start in `timezone` (`Africa/Nairobi`), by default the project's, or else UTC. A
    time is stored as text in UTC such as `2026-03-09T01:00:00.000Z`, or by `format`: a pattern of
    `strftime`, or a function of the `datetime`; both get the time in `timezone`.

    The start of the run is that of its first attempt. So a retry fetches the same as the first
    attempt, and records that arrive while the job runs are after `cursor("now")`: the next run
    fetches them. (OpenFn's `now` is the time of the call, and loses them.) Each call has its own
    `key`; OpenFn remembers the last one.

    >>> from datetime import UTC, datetime
    >>> from adaptors._runtime.run_context import run_context
    >>> with run_context("run", datetime(2026, 3, 9, 1, 30, tzinfo=UTC)):
    ...     cursor(None, default="yesterday")({})
    {'cursor': '2026-03-08T00:00:00.000Z'}
    >>> cursor(lambda state: state["cursor"], default="today")({"cursor": 40})
    {'cursor': 40}
    """

    def operate(state: State) -> State:
        resolved = resolve(state, value)
        zone = _zone(timezone or current_run().timezone)
        stored = _parse_time(resolve(state, default) if resolved is None else resolved, zone)
        if isinstance(stored, datetime):
            stored = _format_time(stored, format, zone)
        return {**state, key: stored}

    return operate


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - loaded when first needed

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is not a time zone. Write one such as Africa/Nairobi."
        ) from None


def _parse_time(value: Any, zone: tzinfo) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    if not isinstance(value, str):
        return value
    started_at = current_run().started_at
    local = started_at.astimezone(zone)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    times = {"start": started_at, "now": started_at, "end": started_at, "today": today}
    times["yesterday"] = today - timedelta(days=1)
    ago = _AGO.fullmatch(value)
    if ago:
        since = started_at if ago[2] in {"minute", "hour"} else today
        return since - timedelta(**{f"{ago[2]}s": int(ago[1])})
    if value.endswith(" ago"):
        raise ValueError(f"{value!r} is not a time. Use minutes, hours, days or weeks: 3 days ago.")
    return times.get(value, value)


def _format_time(
    time: datetime, pattern: str | Callable[[datetime], Any] | None, zone: tzinfo
) -> Any:
    local = time if time.tzinfo is None else time.astimezone(zone)
    if callable(pattern):
        return pattern(local)
    if pattern:
        return local.strftime(pattern)
    utc = time if time.tzinfo is None else time.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
