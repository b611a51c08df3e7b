"""Redirects: which are followed, and what another origin receives.

Only GET and HEAD are redirected. A followed redirect turns a POST into a GET: the record would be
lost behind a 200. Another origin receives neither the credential nor a header that may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urljoin

import requests

from adaptors._http.request import Request
from adaptors._http.response import Response
from adaptors._http.urls import origin
from adaptors.errors import RemoteRefused

Send = Callable[[Request, str], Response]
"""Sends a request once, to a URL."""
_SAFE_METHODS = {"GET", "HEAD"}
_STATUSES = {301, 302, 303, 307, 308}
_MAX_REDIRECTS = 20
_HARMLESS_HEADER = re.compile(
    "accept(-.*)?|cache-control|content-(type|language)|if-.*|prefer|range|user-agent",
    re.IGNORECASE,
)


def follow(send_once: Send, send_without_credential: Send, request: Request, url: str) -> Response:
    """Send a request, follow its redirects, and return the last response."""
    first_url = url
    for _ in range(_MAX_REDIRECTS):
        response = send_once(request, url)
        if not _is_followed(request, response):
            return response
        target = _target(url, response)
        if origin(target) != origin(url):
            send_once = send_without_credential
            request = replace(request, headers=harmless_headers(request.headers))
        url, request = target, replace(request, query=None)
    raise RemoteRefused(f"{request.describe(first_url)} is redirected endlessly.")


def harmless_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers that another origin may receive."""
    return {
        name: value for name, value in (headers or {}).items() if _HARMLESS_HEADER.fullmatch(name)
    }


def _is_followed(request: Request, response: Response) -> bool:
    return (
        request.follow_redirects
        and request.method in _SAFE_METHODS
        and response.status in _STATUSES
    )


def _target(url: str, response: Response) -> str:
    # Headers are decoded as latin-1, but a URL is UTF-8.
    location = response.headers.get("location", "").encode("latin-1", "replace")
    target = requests.PreparedRequest()
    try:
        target.prepare_url(urljoin(url, location.decode("utf-8", "replace")), None)
    except (requests.RequestException, ValueError):
        target.url = None
    if not location or not re.match("https?://", target.url or ""):
        raise RemoteRefused(f"{response.summary}, a redirect without a usable location.")
    return target.url or ""
