"""The errors of adaptors. Each class carries a verdict: whose problem it is.

    AdaptorError
    ├── ConfigurationError   AUTHOR: the credential or the call is incomplete or wrong; not retried
    ├── RemoteRefused        REMOTE: the destination refuses the request; not retried
    └── RemoteUnavailable    RETRYABLE: the destination may accept the request later

Whatever executes a job reads `verdict` and nothing else of these classes.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """Whose problem an error is."""

    AUTHOR = "author"
    REMOTE = "remote"
    RETRYABLE = "remote-for-now"


class AdaptorError(Exception):
    """The base class of all errors of adaptors."""

    verdict = Verdict.AUTHOR
    status: int | None = None
    """The HTTP status with which the destination has refused a request."""


class ConfigurationError(AdaptorError):
    """The credential, or the call in the job, is incomplete or wrong."""


class RemoteRefused(AdaptorError):
    """The destination refuses the request, however often it is sent."""

    verdict = Verdict.REMOTE


class RemoteUnavailable(AdaptorError):
    """The destination cannot serve the request now; `retry_after` is in seconds."""

    verdict = Verdict.RETRYABLE

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
