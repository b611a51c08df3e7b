"""Clients whose calls end within seconds, for questions about an account."""

from __future__ import annotations

from typing import Any, cast

import boto3
from botocore.config import Config

_LIMITS = Config(
    connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 3, "mode": "standard"}
)


def client(service: str, region: str | None = None, profile: str | None = None) -> Any:
    """Return a service's client, of another region or profile than the environment's if named."""
    session = boto3.Session(profile_name=profile) if profile else boto3
    return cast("Any", session).client(service, region_name=region, config=_LIMITS)
