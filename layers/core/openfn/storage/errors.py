"""Errors of the calls to a stack's table, queues, bucket and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CallFailed(Exception):
    """A service could not be reached, did not answer in time, or refused a call.

    `code` is the service's own, or the name of the client's error. `response` has it and what else
    the service said, in the form of boto3's `ClientError`.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.response: dict[str, Any] = {
            **(details or {}),
            "Error": {"Code": code, "Message": message},
        }


class CallRefused(CallFailed):
    """A service refused a call and says why."""
