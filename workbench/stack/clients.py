"""Clients whose calls end within seconds, for questions about an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from workbench.stack import local
from workbench.store.services import LocalServices


def of_stack(service: str) -> Any:
    """Return a service's client of the connected stack, on AWS or on this machine."""
    local_services = local.active()
    if local_services is None:
        import boto3  # noqa: PLC0415 - it takes long to import

        return boto3.client(cast("Any", service))
    return _LocalClient(local_services, service)


def caller() -> str:
    """Return who uses the connected stack: the ARN of an AWS identity, or `local`."""
    if local.active():
        return "local"
    return str(of_stack("sts").get_caller_identity()["Arn"])


@dataclass(frozen=True, slots=True)
class _LocalClient:
    """The operations of a local stack's service, called as those of boto3's clients."""

    services: LocalServices
    service: str

    def __getattr__(self, operation: str) -> Any:
        return lambda **request: self.services.call(self.service, operation, request)


def client(service: str, region: str | None = None, profile: str | None = None) -> Any:
    """Return a service's client, of another region or profile than the environment's if named."""
    import boto3  # noqa: PLC0415 - it takes long to import
    from botocore.config import Config  # noqa: PLC0415

    retries: Any = {"total_max_attempts": 3, "mode": "standard"}
    limits = Config(connect_timeout=5, read_timeout=15, retries=retries)
    session = boto3.Session(profile_name=profile) if profile else boto3
    return cast("Any", session).client(service, region_name=region, config=limits)
