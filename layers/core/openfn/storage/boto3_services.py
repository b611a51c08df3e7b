"""The services of AWS, called with boto3."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from openfn.storage.errors import CallFailed, CallRefused

# All calls for one post together stay below 10 s, the shortest timeout of a source (DHIS2), even if
# a service accepts the connection and never responds. The second attempt is needed after a pause:
# AWS has closed the connections that a frozen function kept.
_CONNECT_SECONDS, _READ_SECONDS = 1, 1.5
_ATTEMPTS = 2
# As many as a list of the history uses at the same time. A connection is opened when first needed.
_CONNECTIONS = 32
# botocore's DEBUG lines hold whole responses, with the credentials that Secrets Manager returns.
logging.getLogger("botocore").setLevel(logging.INFO)
# boto3 must not create two clients at the same time: they share its default session.
_creation = threading.Lock()


def client(service: str) -> Any:
    """Return the cached client of a service, which threads may share."""
    with _creation:
        return _create_client(service)


@cache
def _create_client(service: str) -> Any:
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    return boto3.client(cast("Any", service), config=config)


class Boto3Services:
    """The services of the AWS account and region of this process."""

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation; raise `CallRefused` or `CallFailed`."""
        try:
            response: dict[str, Any] = getattr(client(service), operation)(**request)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            raise CallRefused(code, str(error), {**error.response}) from error
        except BotoCoreError as error:
            raise CallFailed(type(error).__name__, str(error)) from error
        return response

    def prepare(self, service: str) -> None:
        """Create the client of a service."""
        client(service)
