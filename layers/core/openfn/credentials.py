"""A job's credential: the named secret that becomes its state's configuration."""

from __future__ import annotations

import json
import time
from typing import Any

from openfn import aws
from openfn.errors import ProjectError

# Read from Secrets Manager once per warm function and five minutes, not once per run: a call for
# every run would cost more than all the rest of the stack.
_KEPT_SECONDS = 300
_kept: dict[str, tuple[float, str]] = {}


def configuration(name: str | None) -> dict[str, Any]:
    """Give a credential's body, fresh for each run; empty for a job without one."""
    if name is None:
        return {}
    key = aws.setting(aws.Setting.CREDENTIALS_PREFIX) + name
    until, text = _kept.get(key, (0.0, ""))
    if until < time.monotonic():
        text = _read(name)
        _kept[key] = (time.monotonic() + _KEPT_SECONDS, text)
    body: dict[str, Any] = json.loads(text)
    return body


def forget() -> None:
    """Forget what was read, so that a changed secret is seen at once."""
    _kept.clear()


def _read(name: str) -> str:
    text = aws.secret(name)
    if text is None:
        where = aws.setting(aws.Setting.CREDENTIALS_PREFIX) + name
        raise ProjectError(
            f"the credential {name} has no secret: create {where!r} in AWS Secrets Manager"
        )
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise ProjectError(f"the secret of the credential {name} is not a JSON object")
    return text
