"""The stack's secrets, read from Secrets Manager once per warm function and five minutes.

Read once per message they would cost more than all the rest of the stack.
"""

from __future__ import annotations

import json
import time
from typing import Any

from openfn.errors import ProjectError
from openfn.storage import aws

KEPT_SECONDS = 300.0
_kept: dict[str, tuple[float, str]] = {}


def read(name: str, younger_than: float = KEPT_SECONDS) -> dict[str, Any]:
    """Give a secret's JSON object, fresh for each caller and read at most so many seconds ago.

    Raises `ProjectError` when there is no such secret or it is no JSON object.
    """
    when, text = _kept.get(name, (float("-inf"), ""))
    if time.monotonic() - when > younger_than:
        text = _fetched(name)
        _kept[name] = (time.monotonic(), text)
    body: dict[str, Any] = json.loads(text)
    return body


def forget() -> None:
    """Forget what was read, so that a changed secret is seen at once."""
    _kept.clear()


def _fetched(name: str) -> str:
    text = aws.secret(name)
    if text is None:
        raise ProjectError(f"there is no secret {name!r} in AWS Secrets Manager: create it")
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise ProjectError(f"the secret {name!r} is not a JSON object")
    return text
