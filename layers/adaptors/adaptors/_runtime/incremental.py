"""What is new at a source since a job last asked: the place it has come to, kept in its state.

A cron job begins with the final state of its last run that succeeded, so the place moves only when
what was read has been dealt with. Sources stamp a record before others can see it, and several at
once: so each time asks again for the minutes before the newest record, and leaves out what it met.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from adaptors.errors import RemoteRefused
from adaptors.operations import State

OVERLAP = timedelta(minutes=5)
"""How long after its time stamp a record may take to be seen."""


def since(state: State, name: str) -> str | None:
    """Give the time to ask from, as the source writes times; `None` before the first time.

    >>> since({"pulled": {"visits": {"from": "2026-03-09T09:55:00", "met": []}}}, "visits")
    '2026-03-09T09:55:00'
    """
    place: str | None = _place(state, name).get("from")
    return place


def unseen(
    state: State,
    name: str,
    records: list[Any],
    timestamp: Callable[[Any], Any],
    record_id: Callable[[Any], Any],
) -> tuple[list[Any], State]:
    """Give the records that were not met before, oldest first, and the state with its place moved.

    `timestamp` gives a record's time, `record_id` what it is known by.

    >>> records = [{"id": 1, "at": "2026-03-09T10:00:00"}, {"id": 2, "at": "2026-03-09T10:06:00"}]
    >>> new, state = unseen({}, "visits", records, lambda row: row["at"], lambda row: row["id"])
    >>> state["pulled"]
    {'visits': {'from': '2026-03-09T10:01:00', 'met': [2]}}
    """
    place = _place(state, name)
    met = set(place.get("met", ()))
    fresh = [each for each in records if record_id(each) not in met]
    if fresh:
        fresh.sort(key=lambda each: _time(name, timestamp(each)))
        newest = timestamp(fresh[-1])
        begin = _time(name, newest) - OVERLAP
        if "from" in place:
            begin = max(begin, _time(name, place["from"]))
        again = [record_id(each) for each in records if _time(name, timestamp(each)) >= begin]
        place = {"from": _written(begin, newest), "met": again}
    return fresh, {**state, "pulled": {**state.get("pulled", {}), name: place}}


def _place(state: State, name: str) -> dict[str, Any]:
    place: dict[str, Any] = state.get("pulled", {}).get(name, {})
    return place


def _time(name: str, text: Any) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise RemoteRefused(f"{name}: a record comes without a time that can be read") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _written(time: datetime, like: str) -> str:
    # Some sources compare times as texts: this one must look like theirs.
    if datetime.fromisoformat(like).tzinfo:
        return time.isoformat().replace("+00:00", "Z")
    return time.replace(tzinfo=None).isoformat()
