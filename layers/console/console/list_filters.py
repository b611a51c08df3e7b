"""The filters of the lists, as they are in the address of a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from console.reads import MessageFilter, RunFilter
from console.request import Request
from openfn import ids
from openfn.history.messages import MessageState
from openfn.history.queries import Period
from openfn.runs.model import RunStatus

PERIODS = ("1h", "24h", "7d", "30d", "90d")
"""The periods that a list offers; an address may have any number of minutes, hours or days."""
DEFAULT_PERIOD = "7d"
_AGE = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def of_messages(request: Request) -> MessageFilter:
    """Return the filter of a list of messages."""
    query = request.query
    state = query.get("state", "")
    return MessageFilter(
        period=_period(request),
        inbox=query.get("inbox", ""),
        state=state if state in set(MessageState) else "",
        job=query.get("job", ""),
        text=query.get("q", "").strip(),
    )


def of_runs(request: Request) -> RunFilter:
    """Return the filter of a list of runs."""
    query = request.query
    status = query.get("state", "")
    return RunFilter(
        period=_period(request),
        inbox=query.get("inbox", ""),
        status=status if status in set(RunStatus) else "",
        job=query.get("job", ""),
        error=query.get("error", "").strip(),
    )


def _period(request: Request) -> Period:
    now = datetime.now(UTC)
    since = parse_time(request.query.get("since", ""), now) or now - timedelta(days=7)
    # The clocks of two machines differ by seconds, and the newest message must be in the list.
    until = parse_time(request.query.get("until", ""), now) or now + timedelta(minutes=1)
    before = request.query.get("before", "")
    return Period(since, until, before if _is_id(before) else "")


def parse_time(text: str, now: datetime) -> datetime | None:
    """Return a time, or an age such as `24h` before now; None if it is neither."""
    if match := _AGE.fullmatch(text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _is_id(text: str) -> bool:
    return ids.is_message_id(text) or ids.is_run_id(text)
