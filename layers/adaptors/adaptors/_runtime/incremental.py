"""Incremental reading: fetch only the records that are new since the last run.

A cron job starts with the final state of its last successful run, so the cursor moves only after
the records were processed. A source sets the timestamp of a record before others can see it, and
several records can have the same one. So each run fetches the minutes before the newest record
again, and drops the records that it has already seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from adaptors.errors import RemoteRefused
from adaptors.operations import State

OVERLAP = timedelta(minutes=5)
"""How long after its timestamp a record may become visible."""


def since(state: State, name: str) -> str | None:
    """Return the time to fetch from, in the source's own format; None in the first run.

    >>> since({"pulled": {"visits": {"from": "2026-03-09T09:55:00", "met": []}}}, "visits")
    '2026-03-09T09:55:00'
    """
    time: str | None = _cursor(state, name).get("from")
    return time


def unseen(
    state: State,
    name: str,
    records: list[Any],
    timestamp: Callable[[Any], Any],
    record_id: Callable[[Any], Any],
) -> tuple[list[Any], State]:
    """Return the records that are new, oldest first, and the state with its cursor moved.

    >>> records = [{"id": 1, "at": "2026-03-09T10:00:00"}, {"id": 2, "at": "2026-03-09T10:06:00"}]
    >>> new, state = unseen({}, "visits", records, lambda row: row["at"], lambda row: row["id"])
    >>> state["pulled"]
    {'visits': {'from': '2026-03-09T10:01:00', 'met': [2]}}
    """
    cursor = _cursor(state, name)
    seen_ids = set(cursor.get("met", ()))
    new = [record for record in records if record_id(record) not in seen_ids]
    if new:
        new.sort(key=lambda record: _parse_time(name, timestamp(record)))
        newest = timestamp(new[-1])
        start = _parse_time(name, newest) - OVERLAP
        if "from" in cursor:
            start = max(start, _parse_time(name, cursor["from"]))
        overlap = [
            record_id(record) for record in records if _parse_time(name, timestamp(record)) >= start
        ]
        cursor = {"from": _format_time(start, newest), "met": overlap}
    return new, {**state, "pulled": {**state.get("pulled", {}), name: cursor}}


def _cursor(state: State, name: str) -> dict[str, Any]:
    cursor: dict[str, Any] = state.get("pulled", {}).get(name, {})
    return cursor


def _parse_time(name: str, text: Any) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise RemoteRefused(f"{name}: a record has no readable timestamp.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _format_time(time: datetime, example: str) -> str:
    # Some sources compare times as texts: it must have their format.
    if datetime.fromisoformat(example).tzinfo:
        return time.isoformat().replace("+00:00", "Z")
    return time.replace(tzinfo=None).isoformat()
