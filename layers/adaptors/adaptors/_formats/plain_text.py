"""Convert a job's values to plain text, for form fields, cells and case properties."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from adaptors.errors import ConfigurationError


def format_value(value: Any) -> str:
    """Return a value as text, None as an empty one; raise ConfigurationError for a dict or list.

    >>> [format_value(value) for value in ("Amina", 29, True, None, Decimal("1E+3"))]
    ['Amina', '29', 'true', '', '1000']
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise ConfigurationError(
        f"A {type(value).__name__} cannot be written as text. Convert it to a text or a number."
    )
