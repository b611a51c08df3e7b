"""How requests leave: to which address, with whose credential, and how far they are redirected."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

import requests
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse

from adaptors._http import connections, dry_run_response, network_errors
from adaptors._http import digest_auth as digest
from adaptors._http.digest_auth import Digest
from adaptors._http.response import Response
from adaptors._http.tls import Tls, context
from adaptors._http.url_encoding import encode_pairs
from adaptors._http.urls import display_url, origin
from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError, RemoteRefused

DEFAULT_TIMEOUT = 60.0
"""How long a whole answer is waited for, if the job does not say."""
MAX_BYTES = 50_000_000
"""How many bytes an answer may have, if the job does not say."""
Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]
_SAFE = {"GET", "HEAD"}
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 20
_DEFAULTS = {
    "Accept": "application/json, */*",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "openfn-serverless",
}
_UNKEPT_HEADERS = {"set-cookie", "www-authenticate", "proxy-authenticate"}
_HARMLESS_HEADER = re.compile(
    "accept(-.*)?|cache-control|content-(type|language)|if-.*|prefer|range|user-agent",
    re.IGNORECASE,
)
# It quotes addresses with their query, and what a destination answered.
logging.getLogger("urllib3").propagate = False
logging.getLogger("urllib3").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Client:
    """Where a credential leads, and how requests to that origin, and to no other, are authorized.

    `base` is the address that paths are relative to, and `named` the credential's key for it.
    """

    base_url: str | None = None
    auth: Auth | None = None
    base_url_key: str = "baseUrl"
    digest: Digest | None = None
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `dry_run_response` is what a dry run has it answered with, as JSON.

    `timeout` (seconds) is for all of it, redirects and the last byte of the answer included. `told`
    stands for the address in errors and logs where its path holds what they may not show.
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


def basic_auth(username: str, password: str) -> Auth:
    """Authorize with basic authentication."""
    return HTTPBasicAuth(username.encode(), password.encode())


def header_auth(name: str, value: str) -> Auth:
    """Authorize with a header, such as `Authorization: Bearer …`."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[name] = value
        return request

    return authorize


def query_auth(name: str, value: str) -> Auth:
    """Authorize with a parameter of the query, which no answer, error or dry run shows."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.prepare_url(request.url, {name: value})
        return request

    return authorize


def harmless_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Give those headers of a job that may follow to an origin the job has not named itself."""
    return {k: each for k, each in (headers or {}).items() if _HARMLESS_HEADER.fullmatch(k)}


def send(access: Client, call: Request) -> Response:
    """Send one request and give its answer, whatever the status: see `raise_for_status`.

    Only what reads is redirected: a followed redirect turns a POST into a GET, and the record
    would be lost, with a 200. Another origin is sent neither the credential nor a header of the
    job that may be a secret. Raises an `AdaptorError` with its verdict when no answer comes, or
    none that can be read.
    """
    url = _url(access, call.path)
    until = time.monotonic() + call.timeout
    try:
        seen = dry_run.recorded()
        if seen is not None:
            return _rehearsed(access, call, url, seen)
        return _followed(access, call, url, until)
    except network_errors.NETWORK_ERRORS as error:
        raise network_errors.error_for(
            f"{call.method} {call.display_url or display_url(url)}", error, until
        ) from None


def _followed(access: Client, call: Request, url: str, until: float) -> Response:
    for _ in range(_MOST_REDIRECTS):
        answer = _asked(access, call, url, until)
        if not call.follow_redirects or call.method not in _SAFE or answer.status not in _REDIRECTS:
            return answer
        to = _leads_to(url, answer)
        if origin(to) != origin(url):
            access, call = Client(), replace(call, headers=harmless_headers(call.headers))
        url, call = to, replace(call, query=None)
    raise RemoteRefused(
        f"{call.method} {call.display_url or display_url(url)} is redirected without end"
    )


def _leads_to(url: str, answer: Response) -> str:
    # Headers are read as latin-1, while an address is UTF-8.
    location = answer.headers.get("location", "").encode("latin-1", "replace")
    to = requests.PreparedRequest()
    try:
        to.prepare_url(urljoin(url, location.decode("utf-8", "replace")), None)
    except (requests.RequestException, ValueError):
        to.url = None
    if not location or not re.match("https?://", to.url or ""):
        raise RemoteRefused(f"{answer.summary}, a redirect that leads nowhere")
    return to.url or ""


def _asked(access: Client, call: Request, url: str, until: float) -> Response:
    request = _prepared(call, url)
    tls = _authorized(access, call, request)
    told = call.display_url or display_url(url)
    response, content = connections.round_trip(request, tls, until, call.max_bytes, told)
    if response.status == 401 and access.digest and _is_own(access, request):
        cookies = digest.cookies_of(response.headers.getlist("set-cookie"))
        challenges = response.headers.getlist("www-authenticate")
        if digest.learn(access.digest, request, challenges, cookies):
            request = _prepared(call, url)
            _authorized(access, call, request)
            response, content = connections.round_trip(request, tls, until, call.max_bytes, told)
    return _answer(call, request, response, content)


def _rehearsed(access: Client, call: Request, url: str, seen: list[dry_run.Dry]) -> Response:
    request = _prepared(call, url)
    plain = request.copy()
    context(_authorized(access, call, request))  # finds a certificate that cannot be used
    return dry_run_response.record_request(request, plain, seen, call.dry_run_response)


def _prepared(call: Request, url: str) -> requests.PreparedRequest:
    headers = CaseInsensitiveDict(_DEFAULTS)
    if call.body is not None:
        headers["Content-Type"] = call.content_type
    headers.update(_headers(call))
    request = requests.PreparedRequest()
    request.prepare(
        method=call.method,
        url=url,
        headers=headers,
        data=call.body,
        params=encode_pairs(call.query or {}, "query"),
        auth=lambda request: request,  # else a user in the address would become one
    )
    if not re.match("https?://", request.url or ""):
        raise requests.exceptions.InvalidSchema
    return request


def _authorized(access: Client, call: Request, request: requests.PreparedRequest) -> Tls | None:
    if not _is_own(access, request):
        return None
    if access.auth is not None:
        access.auth(request)
    if access.digest is not None:
        digest.authorize(access.digest, request)
    request.headers.update(_headers(call))  # the job's own win
    return access.tls


def _is_own(access: Client, request: requests.PreparedRequest) -> bool:
    return bool(access.base_url) and origin(request.url or "") == origin(access.base_url or "")


def _headers(call: Request) -> dict[str, str]:
    return {name: value for name, value in (call.headers or {}).items() if value is not None}


def _answer(
    call: Request, request: requests.PreparedRequest, response: BaseHTTPResponse, content: bytes
) -> Response:
    lower = {name.lower(): value for name, value in response.headers.items()}
    kept = {name: value for name, value in lower.items() if name not in _UNKEPT_HEADERS}
    status, reason = response.status, response.reason or ""
    told = call.display_url or display_url(request.url or "")
    return Response(request.method or "", told, status, reason, kept, content)


def _url(access: Client, path: str) -> str:
    if not isinstance(path, str):
        raise ConfigurationError(f"a path is text, not {type(path).__name__}")
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", path):
        return path
    base, named = access.base_url, access.base_url_key
    if not base:
        raise ConfigurationError(
            f"the path {display_url(path)!r} is relative and the credential has no {named}; "
            f'give the job a credential such as {{"{named}": "https://…"}}'
        )
    if re.search("[?#]|//[^/]*@", base):
        raise ConfigurationError(
            f"the credential's {named} is an address alone: name username and password as keys of "
            "their own, and a query in the job (query=…)"
        )
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base
