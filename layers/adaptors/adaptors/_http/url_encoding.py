"""Names and values as they stand in an address or in a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from adaptors._formats import json_text
from adaptors.errors import ConfigurationError


def encode_pairs(fields: Mapping[str, Any], what: str) -> list[tuple[str, str]]:
    """Give each name with its value as text: a list repeats its name, `None` is left out.

    Dates are in their ISO form, booleans and dicts as in JSON. `what` names them in an error.

    >>> encode_pairs({"ou": ["A", "B"], "paging": False, "after": None}, "query")
    [('ou', 'A'), ('ou', 'B'), ('paging', 'false')]
    """
    if not isinstance(fields, Mapping):
        raise ConfigurationError(f"{what} is a dict of names and values, not {_kind(fields)}")
    return [(str(name), _text(each)) for name, value in fields.items() for each in _each(value)]


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple | set):
        yield from (each for each in value if each is not None)
    elif value is not None:
        yield value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, date):
        return value.isoformat()
    return json_text.dumps(value) if isinstance(value, bool | Mapping) else str(value)


def _kind(value: Any) -> str:
    return type(value).__name__
