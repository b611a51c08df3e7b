"""Turn network errors into adaptor errors with a verdict."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import requests
from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable

NETWORK_ERRORS = (HTTPError, requests.RequestException, OSError, ValueError)
"""What sending a request may raise."""
# Certificates are renewed: one that is not valid yet, or has expired, may be valid later.
_VALIDITY_PERIOD = {9, 10}


def error_for(request: str, error: Exception, deadline: float) -> AdaptorError:
    """Return the adaptor error for a network error. `deadline` is when the timeout ended.

    The text of `error` is left out: it may quote headers, and URLs with their query.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _tls_error(request, cause)
    if isinstance(error, ValueError | requests.RequestException):
        return ConfigurationError(
            f"{request} cannot be sent. Check that the URL begins with https:// and that headers "
            "and credential contain no line break and no accented letter."
        )
    if isinstance(error, DecodeError):
        return RemoteRefused(f"{request}: the response is not compressed as it declares.")
    is_timeout = isinstance(error, Urllib3TimeoutError) and not isinstance(
        error, NewConnectionError
    )
    if is_timeout or time.monotonic() >= deadline:
        return RemoteUnavailable(f"{request}: no response in time.")
    return RemoteUnavailable(f"{request}: the connection failed.")


def _tls_error(request: str, error: ssl.SSLError) -> AdaptorError:
    reason = (error.reason or "").lower().replace("_", " ")
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"{request}: the destination's certificate is not valid: {error.verify_message}."
        if error.verify_code in _VALIDITY_PERIOD:
            return RemoteUnavailable(text)
        return ConfigurationError(
            f"{text} To use your own certificate authority, set tls.ca in the credential."
        )
    if "alert" in reason and ("cert" in reason or "unknown ca" in reason):
        return ConfigurationError(
            f"{request}: the destination rejects the client certificate, or requires one "
            f"({reason}). Check tls in the credential."
        )
    return RemoteUnavailable(f"{request}: the connection failed ({reason or 'TLS'}).")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
