"""Responses: the body, what the status means, and JSON or an error."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from adaptors._formats.xml_encoding import declared_encoding
from adaptors._http.urls import display_url
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable

_RETRYABLE = {408, 425, 429}
_LOGGED_CHARACTERS = 1000
_RESET_HEADERS = (
    "x-ratelimit-reset-after",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "ratelimit-reset",
)
_REMAINING_HEADERS = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_PARAMETER = re.compile(r"\b(t|reset) ?= ?([0-9]+)")
# Larger numbers are not seconds to wait, but seconds, milliseconds or microseconds since 1970.
_FIRST_EPOCH = 1_000_000_000
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response:
    """The response to a request. The names of its headers are in lower case."""

    method: str
    url: str
    status: int
    reason: str
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """Return the body as text: in its declared encoding, else UTF-8, else ISO-8859-1."""
        try:
            if encoding := _encoding(self):
                return self.content.decode(encoding, "replace")
            return self.content.decode("utf-8-sig")
        except (LookupError, UnicodeDecodeError):
            return self.content.decode("iso-8859-1")

    @property
    def body(self) -> Any:
        """Return the body as JSON if it is JSON, else as text; None if it is empty."""
        if not self.content:
            return None
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return self.text

    @property
    def summary(self) -> str:
        """Return method, URL and status in one line, for errors and logs."""
        return f"{self.method} {self.url} answered {self.status} {self.reason}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Return what a job sees of a response: `state["response"]`."""
        return {
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "headers": self.headers,
        }


def raise_for_status(response: Response, accepted: Collection[int] = ()) -> Response:
    """Return a response whose status is 2xx or one of `accepted`; else raise its error."""
    if 200 <= response.status < 300 or response.status in accepted:
        return response
    error = _error_of_status(response)
    error.status = response.status
    raise error


def _error_of_status(response: Response) -> AdaptorError:
    if 300 <= response.status < 400:
        target = display_url(response.headers.get("location", "nowhere"))
        return RemoteRefused(
            f"{response.summary}, a redirect to {target}. Set the URL in the credential to the "
            "final one."
        )
    log_response(response)
    if is_retryable(response):
        return RemoteUnavailable(response.summary, retry_after(response))
    return RemoteRefused(response.summary)


def json_body(response: Response) -> Any:
    """Return the JSON of a response, or None if its body is empty.

    Raises the error of the status, and RemoteRefused for anything but JSON: a proxy answers 200
    with a web page while the server behind it is down.
    """
    raise_for_status(response)
    if not response.content.strip():
        return None
    for text in (response.content, response.text):
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    raise unexpected_content(response, "JSON")


def unexpected_content(response: Response, expected: str) -> RemoteRefused:
    """Log a response and return the error for a body that is not what was expected."""
    log_response(response)
    content_type = response.headers.get("content-type", "no content type")
    return RemoteRefused(
        f"{response.summary}, but the body is not the expected {expected} ({content_type}). Check "
        "that the URL in the credential is the server's own and that no login page is in front "
        "of it."
    )


def log_response(response: Response) -> None:
    """Write the beginning of a response to the run's log. Errors quote no content."""
    print(f"{response.summary}:\n{response.text[:_LOGGED_CHARACTERS]}")


def is_retryable(response: Response) -> bool:
    """Return whether a status may be different later; some APIs limit rates with 403."""
    if response.status == 403:
        return "retry-after" in response.headers or "0" in _remaining(response)
    return response.status in _RETRYABLE or response.status >= 500


def retry_after(response: Response) -> float | None:
    """Return the seconds of `Retry-After`, or else until a rate limit is reset; None without both.

    A reset is seconds or a time (epoch or HTTP date). It counts if the limit is used up.
    """
    headers = response.headers
    seconds = _seconds(headers.get("retry-after", ""))
    if seconds is not None or not _is_rate_limited(response):
        return seconds
    parameters = dict(_PARAMETER.findall(headers.get("ratelimit", "")))
    resets = [headers.get(name, "") for name in _RESET_HEADERS]
    resets += [parameters.get("t", ""), parameters.get("reset", "")]
    return next((value for text in resets if (value := _seconds(text)) is not None), None)


def _is_rate_limited(response: Response) -> bool:
    return response.status in (429, 503) or "0" in _remaining(response)


def _remaining(response: Response) -> set[str]:
    return {response.headers.get(name, "") for name in _REMAINING_HEADERS}


def _seconds(text: str) -> float | None:
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,16}(\.[0-9]{1,9})?", text):
        number = float(text)
        if number < _FIRST_EPOCH:
            return number
        while number >= _FIRST_EPOCH * 1000:
            number /= 1000
        return max(0.0, number - time.time())
    try:
        time_of_retry = parsedate_to_datetime(text)
        utc = time_of_retry.replace(tzinfo=time_of_retry.tzinfo or UTC)
        return max(0.0, utc.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _encoding(response: Response) -> str | None:
    charset = _CHARSET.search(response.headers.get("content-type", ""))
    return charset[1] if charset else declared_encoding(response.content)
