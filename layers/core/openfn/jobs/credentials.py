"""A job's credential: the named secret that becomes the state's configuration."""

from __future__ import annotations

from typing import Any

from openfn.storage import aws, secrets
from openfn.storage.aws import Setting


def load_configuration(credential: str | None) -> dict[str, Any]:
    """Load the content of a credential; empty for a job without one."""
    if credential is None:
        return {}
    return secrets.read(aws.setting(Setting.CREDENTIALS_PREFIX) + credential)
