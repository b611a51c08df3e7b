"""Errors of the calls to a stack's table, queues, bucket and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CallFailed(Exception):
    """A call had no response: the service could not be reached, or not in time."""


class CallRefused(CallFailed):
    """A service refused a call; `code` is the one that AWS documents for the operation."""

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.response: dict[str, Any] = {
            **(details or {}),
            "Error": {"Code": code, "Message": message},
        }
