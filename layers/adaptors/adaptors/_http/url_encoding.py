"""Convert the names and values of a query or form to text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from adaptors._formats import json_text
from adaptors.errors import ConfigurationError


def encode_pairs(fields: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Return each key with its value as text: a list repeats its key, None is left out.

    Dates have their ISO form; booleans and dicts are written as JSON. `name` appears in errors.

    >>> encode_pairs({"ou": ["A", "B"], "paging": False, "after": None}, "query")
    [('ou', 'A'), ('ou', 'B'), ('paging', 'false')]
    """
    if not isinstance(fields, Mapping):
        raise ConfigurationError(
            f"{name} is a dict of names and values, not {type(fields).__name__}."
        )
    return [(str(key), _text(item)) for key, value in fields.items() for item in _items(value)]


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple | set):
        yield from (item for item in value if item is not None)
    elif value is not None:
        yield value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, date):
        return value.isoformat()
    return json_text.dumps(value) if isinstance(value, bool | Mapping) else str(value)
