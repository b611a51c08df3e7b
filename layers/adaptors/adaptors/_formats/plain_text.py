"""Values of a job as plain text: an answer of a form, a cell, a property of a case."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from adaptors.errors import ConfigurationError


def format_value(value: Any) -> str:
    """Give a value as text, nothing as an empty one; `ConfigurationError` for what has no text.

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
        f"a {type(value).__name__} has no form as plain text; make it a text or a number first"
    )
