"""Items in DynamoDB's format, where each value has its type: `{"S": "text"}`, `{"N": "1"}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import NoneType
from typing import Any

Item = dict[str, Any]


def to_dynamodb(item: Mapping[str, Any]) -> Item:
    """Return an item in DynamoDB's format; raise `TypeError` for a value that it cannot store."""
    return {name: _serialize(value) for name, value in item.items()}


def from_dynamodb(item: Mapping[str, Any]) -> Item:
    """Return an item in DynamoDB's format as plain values; numbers are Decimals."""
    return {name: _deserialize(value) for name, value in item.items()}


def _serialize(value: Any) -> Item:
    for types, kind, convert in _KINDS:
        if isinstance(value, types):
            return {kind: convert(value)}
    raise TypeError(f"DynamoDB cannot store a {type(value).__name__}.")


def _deserialize(value: Mapping[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    convert = _PLAIN.get(kind)
    return convert(content) if convert else content


# A bool is an int too, so it comes first.
_KINDS: Sequence[tuple[Any, str, Callable[[Any], Any]]] = (
    (str, "S", str),
    (bytes | bytearray, "B", bytes),
    (bool, "BOOL", bool),
    (int | Decimal, "N", str),
    (NoneType, "NULL", lambda _none: True),
    (Mapping, "M", to_dynamodb),
    (list | tuple, "L", lambda parts: [_serialize(part) for part in parts]),
)
_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "N": Decimal,
    "NULL": lambda _true: None,
    "M": from_dynamodb,
    "L": lambda parts: [_deserialize(part) for part in parts],
    "SS": set,
    "NS": lambda parts: set(map(Decimal, parts)),
    "BS": set,
}
