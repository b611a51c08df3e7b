"""Requests: what an adaptor describes, and how it becomes bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from adaptors._formats import json_text
from adaptors._http.url_encoding import encode_pairs
from adaptors._http.urls import display_url

DEFAULT_TIMEOUT = 60.0
"""Seconds for a request and its whole response."""
MAX_BYTES = 50_000_000
"""The largest response body that is accepted."""
_DEFAULT_HEADERS = {
    "Accept": "application/json, */*",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "openfn-serverless",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a path below the client's base URL, or to a complete URL.

    `body` is bytes of the type `content_type`; `json` is a value that is sent as JSON instead.
    `timeout` (seconds) covers everything: redirects and the last byte of the response. In a dry run
    the response is `dry_run_response`, as JSON. `display_url` replaces the URL in errors and logs
    if its path contains a secret.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    timeout: float = DEFAULT_TIMEOUT
    dry_run_response: Any = None
    max_bytes: int = MAX_BYTES
    follow_redirects: bool = True
    display_url: str | None = None
    json: Any = None

    def describe(self, url: str) -> str:
        """Return method and URL as errors show them: without user, password and query."""
        return f"{self.method} {self.display_url or display_url(url)}"


def prepare(request: Request, url: str) -> requests.PreparedRequest:
    """Return the request as it is sent to `url`, without any credential.

    Raises one of `NETWORK_ERRORS` for a URL or a header that cannot be sent.
    """
    body = _body(request)
    headers = CaseInsensitiveDict(_DEFAULT_HEADERS)
    if body is not None:
        headers["Content-Type"] = request.content_type
    headers.update(own_headers(request))
    prepared = requests.PreparedRequest()
    prepared.prepare(
        method=request.method,
        url=url,
        headers=headers,
        data=body,
        params=encode_pairs(request.query or {}, "query"),
        auth=lambda prepared: prepared,  # or requests would use a user in the URL
    )
    if not re.match("https?://", prepared.url or ""):
        raise requests.exceptions.InvalidSchema
    return prepared


def own_headers(request: Request) -> dict[str, str]:
    """Return the headers that the adaptor or the job has set; None leaves a header out."""
    return {name: value for name, value in (request.headers or {}).items() if value is not None}


def _body(request: Request) -> bytes | None:
    if request.body is not None or request.json is None:
        return request.body
    return json_text.dumps(request.json).encode()
