"""What a destination answered, and what a status means."""

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

from adaptors._http.urls import display_url
from adaptors.errors import RemoteRefused, RemoteUnavailable

_FOR_NOW = {408, 425, 429}
_SHOWN = 1000
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"\s*<\?xml[^>]*\sencoding=[\"']([\w.:-]+)")


@dataclass(frozen=True, slots=True)
class Response:
    """What a destination answered; the names of its headers are in lower case."""

    method: str
    url: str
    status: int
    reason: str
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """Give the body as text: as it says itself, else as UTF-8, else as ISO-8859-1."""
        try:
            if charset := _charset(self):
                return self.content.decode(charset, "replace")
            return self.content.decode("utf-8-sig")
        except (LookupError, UnicodeDecodeError):
            return self.content.decode("iso-8859-1")

    @property
    def body(self) -> Any:
        """Give the body as JSON where it is JSON, else as text; nothing as `None`."""
        if not self.content:
            return None
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return self.text

    @property
    def summary(self) -> str:
        """Say what was asked and what status came back."""
        return f"{self.method} {self.url} answered {self.status} {self.reason}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Return what a job sees of a response: `state["response"]`."""
        return {
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "headers": self.headers,
        }


def raise_for_status(response: Response, others: Collection[int] = ()) -> Response:
    """Give an answer whose status is 2xx or one of the others, else raise the error it means."""
    if 200 <= response.status < 300 or response.status in others:
        return response
    if 300 <= response.status < 400:
        target = display_url(response.headers.get("location", "nowhere"))
        raise RemoteRefused(
            f"{response.summary}, a redirect to {target}; "
            "make the address in the credential the final one"
        )
    log_response(response)
    if is_retryable(response):
        raise RemoteUnavailable(response.summary, retry_after(response))
    raise RemoteRefused(response.summary)


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
    """Log a response and return the error for content that is not what was expected."""
    log_response(response)
    kind = response.headers.get("content-type", "no content type")
    return RemoteRefused(
        f"{response.summary}, but the body is not the expected {expected} ({kind}). Check that the "
        "address in the credential is the server's own and that no login page is in front of it."
    )


def log_response(response: Response) -> None:
    """Print the beginning of an answer into the run's log: an error quotes no content."""
    print(f"{response.summary}:\n{response.text[:_SHOWN]}")


def is_retryable(response: Response) -> bool:
    """Tell whether a status means that it may be well later."""
    return response.status in _FOR_NOW or response.status >= 500


def retry_after(response: Response) -> float | None:
    """Give the seconds the destination wishes to be left alone, if it says so."""
    wish = response.headers.get("retry-after", "")
    if re.fullmatch("[0-9]{1,9}", wish):
        return float(wish)
    try:
        moment = parsedate_to_datetime(wish)
        return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _charset(response: Response) -> str | None:
    said = _CHARSET.search(response.headers.get("content-type", ""))
    if said:
        return said[1]
    declared = _DECLARED.match(response.content)
    return declared[1].decode("ascii") if declared else None
