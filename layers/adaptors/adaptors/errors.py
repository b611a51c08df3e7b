"""What can go wrong with a destination, and whose problem it is.

    AdaptorError
    ├── ConfigurationError   author: the credential or the call lacks something; never retried
    ├── RemoteRefused        remote: the destination will not take it; never retried
    └── RemoteUnavailable    remote-for-now: it may take it later; worth another try

`verdict` is read by whoever executes the job; nothing else about these classes matters to it.
"""

from __future__ import annotations


class AdaptorError(Exception):
    """The root of the tree."""

    verdict = "author"


class ConfigurationError(AdaptorError):
    """The credential or the call lacks something."""


class RemoteRefused(AdaptorError):
    """The destination will not take what was sent, however often it is sent."""

    verdict = "remote"


class RemoteUnavailable(AdaptorError):
    """The destination cannot take it now; `retry_after` is its own wish in seconds, if any."""

    verdict = "remote-for-now"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
