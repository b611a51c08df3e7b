"""The result of a statement, with rows as JSON values."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

# timestamp and timestamptz, and arrays of them
_TIMESTAMP_OIDS = {1114, 1184, 1115, 1185}
# A larger number is infinite as a float and too long to write as an integer.
_MAX_DIGITS = 300
Cursor = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Result:
    """The executed command, the number of affected rows, and the returned rows."""

    command: str = ""
    count: int = 0
    rows: tuple[dict[str, Any], ...] = ()


def read_result(cursor: Cursor) -> Result:
    """Read the result of a cursor's last statement."""
    while cursor.nextset():
        pass
    command = (cursor.statusmessage or "").rstrip(" 0123456789")
    if not cursor.description:
        return Result(command, max(cursor.rowcount, 0))
    columns = [(column.name, column.type_code in _TIMESTAMP_OIDS) for column in cursor.description]
    rows = tuple(
        {
            name: to_json(_iso_timestamp(value) if is_timestamp else value)
            for (name, is_timestamp), value in zip(columns, row, strict=True)
        }
        for row in cursor
    )
    return Result(command, max(cursor.rowcount, 0), rows)


def to_json(value: Any) -> Any:
    """Return a value as JSON has it; a number that JSON cannot hold exactly becomes text.

    >>> to_json(Decimal("1.50")), to_json(Decimal("0.1234567890123456789")), to_json(b"ab")
    (1.5, '0.1234567890123456789', 'YWI=')
    """
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite() or abs(value.adjusted()) > _MAX_DIGITS:
        return str(value)
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _iso_timestamp(value: Any) -> Any:
    if isinstance(value, list):
        return [_iso_timestamp(item) for item in value]
    return value.replace(" ", "T", 1) if isinstance(value, str) else value
