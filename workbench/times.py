"""Parse `--since` and `--until`, and format times and relative times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from workbench.errors import CommandError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SECONDS = (("d", 86_400), ("h", 3600), ("m", 60))


def parse_time(option: str, text: str) -> datetime:
    """Parse `90m`, `2h` or `3d` ago, or an ISO date or time, in UTC unless it has an offset.

    Raises `CommandError`, which names the option.

    >>> parse_time("--since", "2026-03-09T10:00").isoformat()
    '2026-03-09T10:00:00+00:00'
    """
    if match := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{option} {text} is not a time. "
            "Write an age such as 90m, 2h or 3d, or a time such as 2026-03-09T10:00."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def format_age(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time is, or how far in the future.

    >>> now = datetime(2026, 3, 9, 12, 5, tzinfo=UTC)
    >>> format_age(datetime(2026, 3, 9, 10, tzinfo=UTC), now)
    '2h ago'
    >>> format_age(datetime(2026, 3, 9, 12, 6, tzinfo=UTC), now)
    'in 1m'
    """
    seconds = ((now or datetime.now(UTC)) - time).total_seconds()
    distance = abs(seconds)
    unit, length = next(((u, n) for u, n in _SECONDS if distance >= n), ("s", 1))
    text = f"{distance // length:.0f}{unit}"
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def format_time(time: datetime) -> str:
    """Return a time in UTC as lists show it.

    >>> format_time(datetime(2026, 3, 9, 10, 5, 7, tzinfo=UTC))
    '2026-03-09 10:05:07'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
