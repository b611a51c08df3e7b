"""Values of items in DynamoDB's format, such as `{"S": "text"}` or `{"N": "1.5"}`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from workbench.store.errors import invalid_request

Value = Mapping[str, Any]
Item = dict[str, Any]
# DynamoDB keeps 38 digits and refuses more.
_NUMBERS = Context(prec=38, Emax=125, Emin=-130, traps=[])
_MAX_DIGITS = 38


def kind(value: Value) -> str:
    """Return the type of a value: `S`, `N`, `B`, `BOOL`, `NULL`, `L`, `M`, `SS`, `NS` or `BS`."""
    return next(iter(value))


def comparable(value: Value) -> Any:
    """Return a value in a form that Python compares as DynamoDB does."""
    content = value[kind(value)]
    convert = _COMPARABLE.get(kind(value))
    return convert(content) if convert else content


def are_equal(left: Value, right: Value) -> bool:
    """Return whether two values have the same type and content; numbers compare by value."""
    return kind(left) == kind(right) and comparable(left) == comparable(right)


def normalize(item: Mapping[str, Value]) -> Item:
    """Return an item as DynamoDB stores it: numbers have one spelling each.

    Raises a `ValidationException` for a number that DynamoDB cannot store.
    """
    return {name: _normalize(value) for name, value in item.items()}


def size(item: Mapping[str, Value]) -> int:
    """Return an item's size in bytes by DynamoDB's rule: names and values."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def value_size(value: Value) -> int:
    """Return what the function `size` of an expression returns for a value."""
    content = value[kind(value)]
    return len(content.encode()) if kind(value) == "S" else len(content)


def to_json(item: Mapping[str, Value]) -> str:
    """Return an item as JSON, with base64 for bytes, as DynamoDB's protocol sends it."""
    return _ENCODER.encode(item)


def from_json(text: str) -> Item:
    """Return the item of a JSON text."""
    item: Item = json.loads(text)
    return {
        name: value if "S" in value or "N" in value else _decode_bytes(value)
        for name, value in item.items()
    }


def number(text: str) -> str:
    """Return a number as DynamoDB spells it; refuse what it cannot store."""
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _MAX_DIGITS:
        return text
    try:
        exact = Decimal(text)
        rounded = _NUMBERS.create_decimal(exact)
    except InvalidOperation:
        raise invalid_request(
            f"The parameter cannot be converted to a numeric value: {text}"
        ) from None
    if (
        not exact.is_finite()
        or rounded != exact
        or len(exact.normalize().as_tuple().digits) > _MAX_DIGITS
    ):
        raise invalid_request("Attempting to store more than 38 significant digits in a Number")
    whole = rounded.normalize(_NUMBERS)
    return f"{whole:f}"


def _normalize(value: Value) -> Item:
    match kind(value):
        case "S":
            return {"S": value["S"]}
        case "N":
            return {"N": number(value["N"])}
        case "B":
            return {"B": bytes(value["B"])}
        case "L":
            return {"L": [_normalize(part) for part in value["L"]]}
        case "M":
            return {"M": normalize(value["M"])}
        case _:
            return dict(value)


def _size(value: Value) -> int:
    [(name, content)] = value.items()
    measure = _SIZES.get(name)
    return measure(content) if measure else 1


def _encode_bytes(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()


def _decode_bytes(value: Item) -> Item:
    match kind(value):
        case "B":
            return {"B": base64.b64decode(value["B"])}
        case "BS":
            return {"BS": [base64.b64decode(part) for part in value["BS"]]}
        case "L":
            return {"L": [_decode_bytes(part) for part in value["L"]]}
        case "M":
            return {"M": {name: _decode_bytes(part) for name, part in value["M"].items()}}
        case _:
            return value


_ENCODER = json.JSONEncoder(
    separators=(",", ":"), default=_encode_bytes, ensure_ascii=False, check_circular=False
)
_COMPARABLE: Mapping[str, Callable[[Any], Any]] = {
    "N": Decimal,
    "B": bytes,
    "L": lambda parts: [(kind(part), comparable(part)) for part in parts],
    "M": lambda parts: {name: (kind(part), comparable(part)) for name, part in parts.items()},
    "SS": frozenset,
    "NS": lambda parts: frozenset(map(Decimal, parts)),
    "BS": frozenset,
}
_SIZES: Mapping[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": lambda text: len(text.replace("-", "").replace(".", "")) // 2 + 2,
    "B": len,
    "L": lambda parts: 3 + sum(1 + _size(part) for part in parts),
    "M": lambda parts: 3 + len(parts) + size(parts),
    "SS": lambda parts: sum(len(part.encode()) for part in parts),
    "NS": lambda parts: sum(len(part) // 2 + 2 for part in parts),
    "BS": lambda parts: sum(map(len, parts)),
}
