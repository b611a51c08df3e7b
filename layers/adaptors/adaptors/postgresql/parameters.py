"""Convert Python values to the text that is bound to a statement.

Every value is bound as untyped text, so that PostgreSQL converts it to the type of its column, as
it does with a literal: the values of forms are texts, and `"34"` becomes an integer.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from adaptors._formats import json_text
from adaptors.errors import ConfigurationError, RemoteRefused

# JSON has only one kind of number. Up to here, 34.0 can be written as the integer 34.
_MAX_EXACT_INTEGER = 2**53


def to_text(value: Any, *, array: bool = False) -> str | None:
    """Return a value's text, or None for NULL.

    Dicts and lists become JSON; with `array`, a list becomes a PostgreSQL array.

    >>> to_text("34"), to_text(34.0), to_text({"a": [1]}), to_text([1, None, "a b"], array=True)
    ('34', '34', '{"a": [1]}', '{"1",NULL,"a b"}')
    """
    if isinstance(value, str):
        return _require_valid_text(value)
    if value is None:
        return None
    if isinstance(value, dict):
        return json_text.dumps(value)
    if isinstance(value, list | tuple):
        return _array(value) if array else json_text.dumps(value)
    return _scalar(value)


def _require_valid_text(value: str) -> str:
    if "\0" in value or re.search("[\ud800-\udfff]", value):
        raise RemoteRefused(
            "PostgreSQL cannot store this text: it contains a NUL character or a lone surrogate."
        )
    return value


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT_INTEGER:
        return str(int(value))
    if isinstance(value, int | float | Decimal | UUID):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, bytes | bytearray):
        return f"\\x{value.hex()}"
    raise ConfigurationError(
        f"A value of type {type(value).__name__} cannot be sent to PostgreSQL. "
        "Convert it to text first."
    )


def _array(values: list[Any] | tuple[Any, ...]) -> str:
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _array(value)
    text = to_text(value)
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
