"""How requests leave: one session per thread and origin, time-outs, and the dry run."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import local
from typing import Any

import requests
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

from adaptors import dryrun
from adaptors.answers import Answer
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.origins import origin, shown

SECONDS = 60.0
"""How long an answer is waited for, if the job does not say."""
Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]
_CONNECT_SECONDS = 10.0
_UNKEPT_HEADERS = {"set-cookie", "www-authenticate", "proxy-authenticate"}
_SECRET_HEADER = re.compile("auth|cookie|key|token|secret|password", re.IGNORECASE)
_UNREADABLE = (
    requests.TooManyRedirects,
    requests.exceptions.ContentDecodingError,
    UnicodeDecodeError,  # a redirect's address
)
_warm = local()
# It quotes addresses with their query, and what a destination answered.
logging.getLogger("urllib3").propagate = False
logging.getLogger("urllib3").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Access:
    """Where a credential leads, and how requests to that origin, and to no other, are authorized.

    `base` is the address that paths are relative to, and `named` the credential's key for it.
    """

    base: str | None = None
    auth: Auth | None = None
    named: str = "baseUrl"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `pretended` is what a dry run has it answered with, as JSON.

    `told` stands for the address in errors and logs where its path holds what they may not show.
    A GET whose headers hold a secret must not `follow` a redirect.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    timeout: float = SECONDS
    pretended: Any = None
    follow: bool = True
    told: str | None = None


def basic(username: str, password: str) -> Auth:
    """Authorize with basic authentication."""
    return HTTPBasicAuth(username.encode(), password.encode())


def header(name: str, value: str) -> Auth:
    """Authorize with a header, such as `Authorization: Bearer …`."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[name] = value
        return request

    return authorize


def send(access: Access, call: Call) -> Answer:
    """Send one request and give its answer, whatever the status: see `answers.accepted`.

    Raises an `AdaptorError` with its verdict when no answer comes, or none that can be read.
    """
    url = _url(access, call.path)
    try:
        session = _session(url)
        prepared = session.prepare_request(_request(access, call, url))
        seen = dryrun.seen()
        if seen is not None:
            return _pretend(call, prepared, seen)
        response = session.send(
            prepared,
            timeout=(_CONNECT_SECONDS, call.timeout),
            proxies=get_environ_proxies(url),
            # A followed redirect turns a POST into a GET: the record would be lost, with a 200.
            allow_redirects=call.method == "GET" and call.follow,
        )
    except (requests.RequestException, ValueError) as error:
        raise _failure(f"{call.method} {call.told or shown(url)}", error) from None
    return _answer(call, response)


def _request(access: Access, call: Call, url: str) -> requests.Request:
    own = CaseInsensitiveDict({"Accept": "application/json, */*"})
    if call.body is not None:
        own["Content-Type"] = call.content_type
    own.update(call.headers or {})
    return requests.Request(
        call.method,
        url,
        own,
        data=call.body,
        params=dict(call.query or {}),
        auth=_guarded(access),  # also keeps requests from looking into ~/.netrc
    )


def _failure(what: str, error: Exception) -> AdaptorError:
    # The text of these errors is not told: it quotes addresses with their query, and headers.
    if isinstance(error, requests.Timeout):
        return RemoteUnavailable(f"{what}: no answer in time")
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return RemoteUnavailable(f"{what}: the connection failed")
    if isinstance(error, _UNREADABLE):
        return RemoteRefused(f"{what}: the answer cannot be read, or is redirected without end")
    return ConfigurationError(
        f"{what} cannot be sent: look for a missing https:// in the address, "
        "and for a line end or a letter with an accent in a header or in the credential"
    )


def _url(access: Access, path: str) -> str:
    if not isinstance(path, str):
        raise ConfigurationError(f"a path is text, not {type(path).__name__}")
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", path):
        return path
    base, named = access.base, access.named
    if not base:
        raise ConfigurationError(
            f"the path {shown(path)!r} is relative and the credential has no {named}; "
            f'give the job a credential such as {{"{named}": "https://…"}}'
        )
    if re.search("[?#]|//[^/]*@", base):
        raise ConfigurationError(
            f"the credential's {named} is an address alone: name username and password as keys of "
            "their own, and a query in the job (query=…)"
        )
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base


def _guarded(access: Access) -> Auth:
    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if access.auth is None or not access.base or "Authorization" in request.headers:
            return request
        own = origin(request.url or "") == origin(access.base)
        return access.auth(request) if own else request

    return authorize


def _session(url: str) -> requests.Session:
    sessions: dict[str, requests.Session] = _warm.__dict__.setdefault("sessions", {})
    where = origin(url)
    if where not in sessions:
        sessions[where] = requests.Session()
        sessions[where].trust_env = False  # else ~/.netrc is looked into after a redirect
        # A cookie of one credential's run must not go out with another's.
        sessions[where].cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return sessions[where]


def _answer(call: Call, response: requests.Response) -> Answer:
    lower = {name.lower(): value for name, value in response.headers.items()}
    kept = {name: value for name, value in lower.items() if name not in _UNKEPT_HEADERS}
    return Answer(
        call.method,
        call.told or shown(response.url),
        response.status_code,
        response.reason or "",
        kept,
        response.content,
        response.encoding or "utf-8",
    )


def _pretend(call: Call, request: requests.PreparedRequest, seen: list[dryrun.Dry]) -> Answer:
    headers = {
        name: "***" if _SECRET_HEADER.search(name) else str(value)
        for name, value in request.headers.items()
    }
    url = re.sub("//[^/?#]*@", "//***@", request.url or "")
    body = request.body if isinstance(request.body, bytes) else b""
    dry = dryrun.DryRequest(call.method, url, headers, body)
    seen.append(dry)
    pretended = {} if call.pretended is None else call.pretended
    reply = dryrun.answer_to(dry) or dryrun.Reply(body=pretended)
    return Answer(call.method, shown(url), reply.status, reply.reason, reply.named, reply.content)
