"""The filters of the lists, as they are in the address of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from console.request import Request
from openfn import ids
from openfn.history.messages import MessageState, MessageSummary
from openfn.history.queries import Period
from openfn.history.runs import RunSummary
from openfn.runs.model import RunStatus

PERIODS = ("1h", "24h", "7d", "30d", "90d")
"""The periods that a list offers; an address may have any number of minutes, hours or days."""
_AGE = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages a list has; an empty text means any."""

    period: Period
    inbox: str = ""
    state: str = ""
    job: str = ""
    text: str = ""
    """A part of the body or of the id."""

    def matches(self, message: MessageSummary) -> bool:
        """Return whether a message is in the list, apart from the text."""
        return (
            self.inbox in ("", message.inbox)
            and self.state in ("", message.state)
            and (not self.job or any(run.job == self.job for run in message.runs))
        )


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list has; an empty text means any."""

    period: Period
    inbox: str = ""
    status: str = ""
    job: str = ""
    error: str = ""
    """A part of the error."""

    def matches(self, run: RunSummary) -> bool:
        """Return whether a run is in the list."""
        error = " ".join(map(str, run.error.values())).lower() if run.error else ""
        return self.job in ("", run.job) and self.error.lower() in error


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
    # Without a period, templates/parts.html shows seven days as well.
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
