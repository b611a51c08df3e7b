"""Canonical forms of values, so that digests agree with matching on which values are equal.

Deduplication marks and queue groups store these digests: the form of a value must never change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

from openfn.errors import UnreadableBody

# An integer in a body has at most this many digits, so no longer number equals one.
_MAX_DIGITS = 4300
# The default context rounds to 28 digits, and raises an error for 1e1000000.
_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
_encode = json.JSONEncoder().encode
# No body has a longer text, unless it has many numbers such as 1e4000.
_MAX_TEXT = 64_000_000
_PIECES = 5_000


def canonical_number(number: Decimal) -> int | Decimal:
    """Return the integer that equals a number, or else the number without trailing zeros."""
    number = number.normalize(_EXACT)
    return int(number) if _is_integer(number) else number


def digest(value: Any) -> str:
    """Return a digest that is the same for values that are equal in matching.

    It is computed from JSON with sorted keys, where a number that is no integer is
    `{"number": "1.5"}`. Raises `UnreadableBody` if that text is too long.
    """
    hashed, pieces, length = hashlib.sha256(), list[str](), 0

    def flush() -> None:
        nonlocal length
        text = "".join(pieces)
        pieces.clear()
        length += len(text)
        if length > _MAX_TEXT:
            raise UnreadableBody("The body has too many numbers with large exponents.")
        hashed.update(text.encode())

    _add(value, pieces, flush)
    flush()
    return hashed.hexdigest()


def _add(value: Any, pieces: list[str], flush: Callable[[], None]) -> None:
    """Add the text of a value to the pieces, which are flushed before there are many."""
    if isinstance(value, dict):
        start = "{"
        for key in sorted(value):
            element = value[key]
            if isinstance(element, dict | list):
                pieces.append(f"{start}{_encode(key)}: ")
                _add(element, pieces, flush)
            else:
                pieces.append(f"{start}{_encode(key)}: {_scalar_text(element)}")
                if len(pieces) > _PIECES:
                    flush()
            start = ", "
        pieces.append("}" if value else "{}")
    elif isinstance(value, list):
        start = "["
        for element in value:
            pieces.append(start)
            _add(element, pieces, flush)
            start = ", "
        pieces.append("]" if value else "[]")
    else:
        pieces.append(_scalar_text(value))
    if len(pieces) > _PIECES:
        flush()


def _scalar_text(value: Any) -> str:
    if isinstance(value, Decimal):
        text = str(value)
        if "." in text and text[-1] != "0" and "E" not in text:  # most fractions: already canonical
            return f'{{"number": "{text}"}}'
        number = value.normalize(_EXACT)
        if not _is_integer(number):
            return f'{{"number": "{number}"}}'
        # The text of a Python integer would take quadratic time.
        return f"{number:f}" if number else "0"
    return str(value) if type(value) is int else _encode(value)


def _is_integer(number: Decimal) -> bool:
    is_short = number.adjusted() < _MAX_DIGITS
    return is_short and number == number.to_integral_value(context=_EXACT)
