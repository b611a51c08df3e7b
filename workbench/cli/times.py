"""Times as people write and read them: `2h` ago, a date, three minutes old."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from workbench.errors import CommandError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def moment(option: str, text: str) -> datetime:
    """Read a time: `90m`, `2h` or `3d` ago, or an ISO date or time (UTC); else `CommandError`.

    >>> moment("--since", "2026-03-09T10:00").isoformat()
    '2026-03-09T10:00:00+00:00'
    """
    if match := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{option} {text} is no time such as 90m, 2h, 3d, 2026-03-09 or 2026-03-09T10:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def age(then: datetime, now: datetime | None = None) -> str:
    """Say how long ago a time is, or how far off.

    >>> age(datetime(2026, 3, 9, 10, tzinfo=UTC), datetime(2026, 3, 9, 12, 5, tzinfo=UTC))
    '2h ago'
    """
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if size >= length:
            told = f"{size // length:.0f}{unit}"
            break
    else:
        told = f"{size:.0f}s"
    return f"{told} ago" if seconds >= 0 else f"in {told}"


def written(then: datetime) -> str:
    """Write a time as lists show it (UTC).

    >>> written(datetime(2026, 3, 9, 10, 5, 7, tzinfo=UTC))
    '2026-03-09 10:05:07'
    """
    return f"{then.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
