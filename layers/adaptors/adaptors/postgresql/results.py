"""What a statement gave: its rows as JSON can hold them."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

# timestamp and timestamptz, and arrays of them
_MOMENTS = {1114, 1184, 1115, 1185}
# A number of more digits is neither a float nor, as an integer, for JSON to write.
_DIGITS = 300
Cursor = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Result:
    """The command that was executed, how many rows it touched, and those it gave back."""

    command: str = ""
    count: int = 0
    rows: tuple[dict[str, Any], ...] = ()


def read(cursor: Cursor) -> Result:
    """Read the result of a cursor's last statement."""
    while cursor.nextset():
        pass
    command = (cursor.statusmessage or "").rstrip(" 0123456789")
    if not cursor.description:
        return Result(command, max(cursor.rowcount, 0))
    columns = [(each.name, each.type_code in _MOMENTS) for each in cursor.description]
    rows = tuple(
        {
            name: plain(_moment(value) if moment else value)
            for (name, moment), value in zip(columns, row, strict=True)
        }
        for row in cursor
    )
    return Result(command, max(cursor.rowcount, 0), rows)


def plain(value: Any) -> Any:
    """Give a value as JSON has it: a number as exactly that number, or else as text.

    >>> plain(Decimal("1.50")), plain(Decimal("0.1234567890123456789")), plain(b"ab")
    (1.5, '0.1234567890123456789', 'YWI=')
    """
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite() or abs(value.adjusted()) > _DIGITS:
        return str(value)
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _moment(value: Any) -> Any:
    if isinstance(value, list):
        return [_moment(part) for part in value]
    return value.replace(" ", "T", 1) if isinstance(value, str) else value
