"""Secrets of the stack, cached for five minutes in each warm function.

Without the cache, Secrets Manager would cost more than the rest of the stack.
"""

from __future__ import annotations

import json
import time
from typing import Any

from openfn.errors import ProjectError
from openfn.storage import aws

MAX_AGE = 300.0
"""Seconds for which a secret is cached."""
_cache: dict[str, tuple[float, str]] = {}


def read(name: str, max_age: float = MAX_AGE) -> dict[str, Any]:
    """Return a secret's JSON object, at most `max_age` seconds old, as a new dict.

    Raises `ProjectError` if the secret does not exist or is not a JSON object.
    """
    fetched_at, text = _cache.get(name, (float("-inf"), ""))
    if time.monotonic() - fetched_at > max_age:
        text = _fetch(name)
        _cache[name] = (time.monotonic(), text)
    body: dict[str, Any] = json.loads(text)
    return body


def clear_cache() -> None:
    """Clear the cache, so that the next read sees a changed secret."""
    _cache.clear()


def _fetch(name: str) -> str:
    text = aws.get_secret(name)
    if text is None:
        raise ProjectError(f"AWS Secrets Manager has no secret {name!r}. Create it.")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ProjectError(f"The secret {name!r} is not a JSON object.")
    return text
