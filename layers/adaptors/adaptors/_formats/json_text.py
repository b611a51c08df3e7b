"""Values of a job as JSON text: what is sent and what is emitted."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from adaptors.errors import ConfigurationError


def dumps(value: Any) -> str:
    """Give a value as JSON, dates as text; `ConfigurationError` says what has no form in it.

    >>> dumps({"seen": date(2026, 3, 9)})
    '{"seen": "2026-03-09"}'
    """
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except ValueError:
        raise ConfigurationError(
            "NaN, infinity and a dict that holds itself have no form in JSON; send None instead"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(
        f"a {type(value).__name__} has no form in JSON; make it a text or a number first"
    )
