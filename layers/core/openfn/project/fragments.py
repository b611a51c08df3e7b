"""Whether a body contains a fragment: PostgreSQL's `body::jsonb @> fragment::jsonb`.

Objects are compared by key, deep and partial; arrays as sets, each element of the fragment inside
some element of the body; `{}` is in any object and a nested `[]` in any array; null is only in a
present null. Numbers compare by value, and never equal a boolean or a string. At the top level
only, an array contains a bare scalar. Source: PostgreSQL's manual, "jsonb Containment and
Existence", which OpenFn v1's message filters are defined by.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def contains(body: Any, fragment: Any) -> bool:
    """Say whether the body contains the fragment; both parsed with exact numbers."""
    if isinstance(body, list) and not isinstance(fragment, dict | list):
        return any(_equal(element, fragment) for element in body)
    return within(body, fragment)


def within(value: Any, fragment: Any) -> bool:
    """Say whether a value below the top level contains a fragment of the same place."""
    if isinstance(fragment, dict):
        return isinstance(value, dict) and all(
            key in value and within(value[key], part) for key, part in fragment.items()
        )
    if isinstance(fragment, list):
        return isinstance(value, list) and all(
            any(within(element, part) for element in value) for part in fragment
        )
    return _equal(value, fragment)


def _equal(value: Any, scalar: Any) -> bool:
    return _kind(value) is _kind(scalar) and bool(value == scalar)


def _kind(value: Any) -> type:
    # In Python True == 1; in JSON it does not.
    return (
        Decimal if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
    )
