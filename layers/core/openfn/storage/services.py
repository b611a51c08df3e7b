"""The services behind a stack: those of AWS, or a store on this machine with the same calls.

The core layer calls DynamoDB (PutItem, UpdateItem, DeleteItem, BatchGetItem, TransactWriteItems,
Query), SQS (SendMessageBatch, ChangeMessageVisibility), S3 (PutObject, GetObject, DeleteObject,
ListObjectsV2) and Secrets Manager (GetSecretValue, PutSecretValue). Requests and responses are
those of boto3's clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Services(Protocol):
    """What answers the calls of the core layer."""

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation of a service, such as `dynamodb` and `put_item`.

        Raises `CallFailed` if there is no response, and `CallRefused` with the service's code.
        """

    def prepare(self, service: str) -> None:
        """Prepare the calls of a service, so that the first one is faster."""


_services: Services | None = None


def call(service: str, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation of a service as `Services.call` does."""
    return current().call(service, operation, request)


def pages(service: str, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
    """Yield the pages of DynamoDB's Query or of S3's ListObjectsV2."""
    while True:
        page = call(service, operation, **request)
        yield page
        if "LastEvaluatedKey" in page:
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        elif "NextContinuationToken" in page:
            request["ContinuationToken"] = page["NextContinuationToken"]
        else:
            return


def prepare(*names: str) -> None:
    """Prepare the calls of some services; a function does this during INIT."""
    for name in names:
        current().prepare(name)


@contextmanager
def use(services: Services) -> Iterator[None]:
    """Let other services answer the calls of this process."""
    global _services  # noqa: PLW0603 - one process works with one stack
    before, _services = _services, services
    try:
        yield
    finally:
        _services = before


def active() -> Services | None:
    """Return the services that were chosen or have been called, if any."""
    return _services


def current() -> Services:
    """Return the services that answer the calls of this process."""
    global _services  # noqa: PLW0603 - one process works with one stack
    if _services is None:
        # A machine without boto3 uses a store of its own.
        from openfn.storage.boto3_services import Boto3Services  # noqa: PLC0415

        _services = Boto3Services()
    return _services
