"""What it means when no answer comes, or none that can be read: whose problem it is."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import requests
from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as NotInTime

from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable

NETWORK_ERRORS = (HTTPError, requests.RequestException, OSError, ValueError)
"""What sending a request may raise."""
# Certificates are renewed: one that is not valid yet or has expired may be well later.
_OUT_OF_DATE = {9, 10}


def error_for(what: str, error: Exception, until: float) -> AdaptorError:
    """Give the error with its verdict; `until` is when the time of the call was over.

    The text of these errors is not told: it quotes addresses with their query, and headers.
    """
    for each in _causes(error):
        if isinstance(each, ssl.SSLError):
            return _of_tls(what, each)
    if isinstance(error, ValueError | requests.RequestException):
        return ConfigurationError(
            f"{what} cannot be sent: look for a missing https:// in the address, "
            "and for a line end or a letter with an accent in a header or in the credential"
        )
    if isinstance(error, DecodeError):
        return RemoteRefused(f"{what}: the answer is not packed as it says")
    late = isinstance(error, NotInTime) and not isinstance(error, NewConnectionError)
    if late or time.monotonic() >= until:
        return RemoteUnavailable(f"{what}: no answer in time")
    return RemoteUnavailable(f"{what}: the connection failed")


def _of_tls(what: str, error: ssl.SSLError) -> AdaptorError:
    reason = (error.reason or "").lower().replace("_", " ")
    if isinstance(error, ssl.SSLCertVerificationError):
        told = f"{what}: the destination's certificate is not good: {error.verify_message}"
        if error.verify_code in _OUT_OF_DATE:
            return RemoteUnavailable(told)
        return ConfigurationError(f"{told}; the credential's tls.ca names an authority of your own")
    if "alert" in reason and ("cert" in reason or "unknown ca" in reason):
        return ConfigurationError(
            f"{what}: the destination does not take the certificate of the credential's tls, "
            f"or asks for one ({reason})"
        )
    return RemoteUnavailable(f"{what}: the connection failed ({reason or 'TLS'})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
