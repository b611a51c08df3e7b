"""Convert a job's values to JSON text."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from adaptors.errors import ConfigurationError


def dumps(value: Any) -> str:
    """Return a value as JSON, dates as text; raise an error for what JSON cannot represent.

    >>> dumps({"seen": date(2026, 3, 9)})
    '{"seen": "2026-03-09"}'
    """
    try:
        return json.dumps(value, allow_nan=False, default=_convert)
    except ValueError:
        raise ConfigurationError(
            "JSON has no NaN, no infinity and no dict that contains itself. Send None instead."
        ) from None


def _convert(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"JSON has no {type(value).__name__}. Convert it to a text or a number first.")
