"""Canonical forms of values, so that digests agree with matching on which values are equal.

Deduplication marks and queue groups store these digests: the form of a value must never change.
"""

from __future__ import annotations

import json
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

# An integer in a body has at most this many digits, so no longer number equals one.
_MAX_DIGITS = 4300
# The default context rounds to 28 digits, and raises an error for 1e1000000.
_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
_encode = json.JSONEncoder().encode


def canonical_number(number: Decimal) -> int | Decimal:
    """Return the integer that equals a number, or else the number without trailing zeros."""
    number = number.normalize(_EXACT)
    if number.adjusted() < _MAX_DIGITS and number == number.to_integral_value(context=_EXACT):
        return int(number)
    return number


def canonical_text(value: Any) -> str:
    """Return the text that is the same for values that are equal in matching.

    It is JSON with sorted keys, where a number that is no integer is `{"number": "1.5"}`.
    """
    if isinstance(value, str):
        return _encode(value)
    if isinstance(value, dict):
        pairs = (f"{_encode(key)}: {canonical_text(part)}" for key, part in sorted(value.items()))
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(canonical_text, value)) + "]"
    if isinstance(value, Decimal):
        number = canonical_number(value)
        return str(number) if isinstance(number, int) else f'{{"number": "{number}"}}'
    return str(value) if type(value) is int else _encode(value)
