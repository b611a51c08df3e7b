"""Test whether a body contains a fragment, as PostgreSQL's `@>` does.

Objects are compared by key, deep and partially; arrays as sets, where each element of the fragment
is contained in some element of the body; `{}` is contained in any object and a nested `[]` in any
array; null only in a present null. Numbers compare by value, and never equal a boolean or a string.
Only at the top level does an array contain a bare scalar. Source: PostgreSQL's manual, "jsonb
Containment and Existence", which defines OpenFn v1's message filters.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def contains(body: Any, fragment: Any) -> bool:
    """Return whether a body contains a fragment; both are parsed with exact numbers."""
    if isinstance(body, list) and not isinstance(fragment, dict | list):
        return any(_equal(element, fragment) for element in body)
    return contains_nested(body, fragment)


def contains_nested(value: Any, fragment: Any) -> bool:
    """Return whether a value below the top level contains a fragment."""
    if isinstance(fragment, dict):
        return isinstance(value, dict) and all(
            key in value and contains_nested(value[key], part) for key, part in fragment.items()
        )
    if isinstance(fragment, list):
        return isinstance(value, list) and all(
            any(contains_nested(element, part) for element in value) for part in fragment
        )
    return _equal(value, fragment)


def _equal(value: Any, scalar: Any) -> bool:
    return _json_type(value) is _json_type(scalar) and bool(value == scalar)


def _json_type(value: Any) -> type:
    # In Python True == 1; in JSON it does not.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal if is_number else type(value)
