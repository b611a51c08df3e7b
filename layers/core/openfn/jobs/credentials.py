"""A job's credential: the named secret that becomes its state's configuration."""

from __future__ import annotations

from typing import Any

from openfn.storage import aws, secrets
from openfn.storage.aws import Setting


def configuration(name: str | None) -> dict[str, Any]:
    """Give a credential's body; empty for a job without one."""
    if name is None:
        return {}
    return secrets.read(aws.setting(Setting.CREDENTIALS_PREFIX) + name)
