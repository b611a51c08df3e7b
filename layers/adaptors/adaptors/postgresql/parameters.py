"""Values as the text PostgreSQL reads them from.

Every value is bound as text of no type, so that PostgreSQL gives it the type of the column it is
for, as it does with a literal: the answers of forms are texts, and `"34"` becomes an integer.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from adaptors._formats import json_text
from adaptors.errors import ConfigurationError, RemoteRefused

# As in JSON a float is a number: up to here 34.0 can be written as the integer it is.
_EXACT = 2**53


def text(value: Any, *, array: bool = False) -> str | None:
    """Give a value's text, `None` for NULL; a dict or a list is JSON, with `array` a list is not.

    >>> text("34"), text(34.0), text({"a": [1]}), text([1, None, "a b"], array=True)
    ('34', '34', '{"a": [1]}', '{"1",NULL,"a b"}')
    """
    if isinstance(value, str):
        return _readable(value)
    if value is None:
        return None
    if isinstance(value, dict):
        return json_text.dumps(value)
    if isinstance(value, list | tuple):
        return _array(value) if array else json_text.dumps(value)
    return _scalar(value)


def _readable(value: str) -> str:
    if "\0" in value or re.search("[\ud800-\udfff]", value):
        raise RemoteRefused("the text holds a NUL or half a character: PostgreSQL keeps neither")
    return value


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, int | float | Decimal | UUID):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, bytes | bytearray):
        return f"\\x{value.hex()}"
    raise ConfigurationError(f"a {type(value).__name__} has no form in SQL; make it a text first")


def _array(values: list[Any] | tuple[Any, ...]) -> str:
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _array(value)
    found = text(value)
    if found is None:
        return "NULL"
    return '"' + found.replace("\\", "\\\\").replace('"', '\\"') + '"'
