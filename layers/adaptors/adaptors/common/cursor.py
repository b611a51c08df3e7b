"""Where a job's next run goes on from: a cursor, mostly a time, kept in the state."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
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
) -> Operation:
    """Keep a cursor in the state under a key: a value, or the default where it is `None`.

    A text may say a time: `start`, `now` and `end` are all when the run began, `today` and
    `yesterday` when that day began (UTC), `3 hours ago` and `5 minutes ago` are as long before the
    run began, `2 days ago` and `1 week ago` are when that day began; other texts stay as they are.
    A time is kept as text such as `2026-03-09T01:00:00.000Z`, or as `format` has it: a pattern of
    `strftime`, or a function of the `datetime`.

    Each time is reckoned from the beginning of the run's first attempt. So a retry asks for what
    the first asked for, and what came in while the job ran lies after `cursor("now")`: the next run
    fetches it. (OpenFn's `now` is the moment of the call, and loses that.) Each call names its own
    key; OpenFn remembers the last one.

    >>> from datetime import UTC, datetime
    >>> from adaptors._runtime.run_context import run_context
    >>> with run_context("run", datetime(2026, 3, 9, 1, 30, tzinfo=UTC)):
    ...     cursor(None, default="yesterday")({})
    {'cursor': '2026-03-08T00:00:00.000Z'}
    >>> cursor(lambda state: state["cursor"], default="today")({"cursor": 40})
    {'cursor': 40}
    """

    def operate(state: State) -> State:
        given = resolve(state, value)
        found = _time(resolve(state, default) if given is None else given)
        if isinstance(found, datetime):
            found = _written(found, format)
        return {**state, key: found}

    return operate


def _time(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, str):
        return value
    began = current_run().started_at
    today = began.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"start": began, "now": began, "end": began, "today": today}
    named["yesterday"] = today - timedelta(days=1)
    ago = _AGO.fullmatch(value)
    if ago:
        since = began if ago[2] in {"minute", "hour"} else today
        return since - timedelta(**{f"{ago[2]}s": int(ago[1])})
    if value.endswith(" ago"):
        raise ValueError(f"{value!r} says no time; write minutes, hours, days or weeks: 3 days ago")
    return named.get(value, value)


def _written(when: datetime, form: str | Callable[[datetime], Any] | None) -> Any:
    if callable(form):
        return form(when)
    utc = when if when.tzinfo is None else when.astimezone(UTC)
    if form:
        return utc.strftime(form)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
