"""Secrets of the stack, cached for five minutes in each warm function.

Without the cache, Secrets Manager would cost more than the rest of the stack.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from openfn.errors import ProjectError
from openfn.storage import aws

MAX_AGE = 300.0
"""Seconds for which a secret is cached."""
_WRITE_PAUSES = 0.0, 0.3, 1.0
_cache: dict[str, tuple[float, str]] = {}
_unsaved: dict[str, tuple[str, str]] = {}
"""Texts that could not be stored, by name: the stored text that each replaces, and the new one."""
_writable: set[str] = set()
# Held while a secret is stored: the runs of a runner read and write it side by side.
_lock = threading.RLock()


def read(name: str, max_age: float = MAX_AGE) -> dict[str, Any]:
    """Return a secret's JSON object, at most `max_age` seconds old, as a new dict.

    Raises `ProjectError` if the secret does not exist or is not a JSON object.
    """
    save_again(name)
    fetched_at, text = _cache.get(name, (float("-inf"), ""))
    if unsaved := _unsaved.get(name):
        text = unsaved[1]
    elif time.monotonic() - fetched_at > max_age:
        text = _fetch(name)
        _cache[name] = (time.monotonic(), text)
    body: dict[str, Any] = json.loads(text)
    return body


def write(name: str, body: Mapping[str, Any]) -> None:
    """Replace a secret's JSON object, in several tries; raise `AWSError` if all fail.

    Then this process goes on with the new one, and each read tries again to store it.
    """
    with _lock:
        _, old = _cache[name]
        _unsaved[name] = old, json.dumps(dict(body))
    for pause in _WRITE_PAUSES:
        time.sleep(pause)
        try:
            _store(name)
        except aws.AWSError as error:
            last = error
        else:
            return
    raise last


def require_writable(name: str, body: Mapping[str, Any]) -> None:
    """Raise `AWSError` unless a secret can be written; it is written as it is, once per process."""
    if name not in _writable:
        aws.put_secret(name, json.dumps(dict(body)))
        _writable.add(name)


def save_again(name: str) -> bool:
    """Store what could not be stored before; return whether that has succeeded.

    A secret that somebody has replaced meanwhile stays as it is.
    """
    if name not in _unsaved:
        return False
    with suppress(aws.AWSError), _lock:
        if name in _unsaved and aws.get_secret(name) == _unsaved[name][0]:
            _store(name)
        if _unsaved.pop(name, None):
            _cache.pop(name, None)  # it was replaced
        return True
    return False


def clear_cache() -> None:
    """Clear the cache, so that the next read sees a changed secret."""
    _cache.clear()
    _writable.clear()


def _store(name: str) -> None:
    with _lock:
        if name in _unsaved:  # no other run has stored it meanwhile
            text = _unsaved[name][1]
            aws.put_secret(name, text)
            _cache[name] = (time.monotonic(), text)
            del _unsaved[name]


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
