"""How requests leave: one session per thread and origin, time-outs, verdicts, and the dry run."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from threading import local
from typing import Any

import requests
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.util import parse_url

from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable

_CONNECT_SECONDS = 10.0
_FOR_NOW = {408, 425, 429}
_SHOWN = 1000
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
class Answer:
    """What a destination answered, its body read as JSON where it is JSON."""

    method: str
    url: str
    status: int
    headers: dict[str, str]
    data: Any


@dataclass(frozen=True, slots=True)
class DryRequest:
    """A request that would have been sent; its secrets are replaced by `***`."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


_dry: ContextVar[list[DryRequest] | None] = ContextVar("dry", default=None)


@contextmanager
def dry_run() -> Iterator[list[DryRequest]]:
    """Send nothing: collect the requests, and answer each with `200 {}`."""
    seen: list[DryRequest] = []
    token = _dry.set(seen)
    try:
        yield seen
    finally:
        _dry.reset(token)


def send(
    state: Mapping[str, Any],
    method: str,
    path: str,
    query: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    body: bytes | None,
    timeout: float,
) -> Answer:
    """Send one request with the state's credential; raises an `AdaptorError` with its verdict."""
    configuration = state.get("configuration") or {}
    url = _url(configuration, path)
    own = CaseInsensitiveDict({"Accept": "application/json, */*"})
    if body is not None:
        own["Content-Type"] = "application/json"
    own.update(headers or {})
    auth = partial(_authorize, configuration)  # also keeps requests from looking into ~/.netrc
    request = requests.Request(method, url, own, data=body, params=dict(query or {}), auth=auth)
    try:
        session = _session(url)
        prepared = session.prepare_request(request)
        seen = _dry.get()
        if seen is not None:
            return _pretend(method, prepared, seen)
        response = session.send(
            prepared,
            timeout=(_CONNECT_SECONDS, timeout),
            proxies=get_environ_proxies(url),
            # A followed redirect turns a POST into a GET: the record would be lost, with a 200.
            allow_redirects=method == "GET",
        )
    except (requests.RequestException, ValueError) as error:
        raise _failure(f"{method} {_shown(url)}", error) from None
    return _judge(method, response)


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


def _url(configuration: Mapping[str, Any], path: str) -> str:
    if not isinstance(path, str):
        raise ConfigurationError(f"a path is text, not {type(path).__name__}")
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", path):
        return path
    base = configuration.get("baseUrl")
    if not base:
        raise ConfigurationError(
            f"the path {_shown(path)!r} is relative and the credential has no baseUrl; "
            'give the job a credential such as {"baseUrl": "https://…"}'
        )
    if re.search("[?#]|//[^/]*@", base):
        raise ConfigurationError(
            "the credential's baseUrl is an address alone: name username and password as keys of "
            "their own, and a query in the job (query=…)"
        )
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else str(base)


def _authorize(
    configuration: Mapping[str, Any], request: requests.PreparedRequest
) -> requests.PreparedRequest:
    base = configuration.get("baseUrl")
    if "Authorization" in request.headers or not base:
        return request
    if _origin(request.url or "") != _origin(base):
        return request
    username, password = configuration.get("username"), configuration.get("password")
    if token := configuration.get("access_token"):
        request.headers["Authorization"] = f"Bearer {token}"
    elif username is not None and password is not None:
        HTTPBasicAuth(str(username).encode(), str(password).encode())(request)
    elif username is not None or password is not None:
        raise ConfigurationError("the credential needs both, username and password")
    return request


def _session(url: str) -> requests.Session:
    sessions: dict[str, requests.Session] = _warm.__dict__.setdefault("sessions", {})
    origin = _origin(url)
    if origin not in sessions:
        sessions[origin] = requests.Session()
        sessions[origin].trust_env = False  # else ~/.netrc is looked into after a redirect
        # A cookie of one credential's run must not go out with another's.
        sessions[origin].cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return sessions[origin]


def _judge(method: str, response: requests.Response) -> Answer:
    status, text = response.status_code, f"{response.status_code} {response.reason or ''}".strip()
    if 200 <= status < 300:
        return Answer(method, _shown(response.url), status, _kept(response), _parsed(response))
    what = f"{method} {_shown(response.url)} answered {text}"
    if 300 <= status < 400:
        raise RemoteRefused(
            f"{what}, a redirect to {_shown(response.headers.get('Location', 'nowhere'))}; "
            "make the credential's baseUrl the final address"
        )
    print(f"{what}:\n{response.text[:_SHOWN]}")  # into the run's log: an error quotes no content
    if status in _FOR_NOW or status >= 500:
        raise RemoteUnavailable(what, _retry_after(response))
    raise RemoteRefused(what)


def _parsed(response: requests.Response) -> Any:
    if not response.content:
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return response.text


def _kept(response: requests.Response) -> dict[str, str]:
    lower = {name.lower(): value for name, value in response.headers.items()}
    return {name: value for name, value in lower.items() if name not in _UNKEPT_HEADERS}


def _retry_after(response: requests.Response) -> float | None:
    wish = response.headers.get("Retry-After", "")
    if re.fullmatch("[0-9]{1,9}", wish):
        return float(wish)
    try:
        return max(0.0, parsedate_to_datetime(wish).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _pretend(method: str, request: requests.PreparedRequest, seen: list[DryRequest]) -> Answer:
    headers = {
        name: "***" if _SECRET_HEADER.search(name) else str(value)
        for name, value in request.headers.items()
    }
    url = re.sub("//[^/?#]*@", "//***@", request.url or "")
    body = request.body if isinstance(request.body, bytes) else b""
    seen.append(DryRequest(method, url, headers, body))
    return Answer(method, _shown(url), 200, {}, {})


def _origin(url: str) -> str:
    # Read as requests reads it: urlsplit takes http://other.org\@this.org for this.org, while
    # requests goes to other.org; and it leaves a name with an accent as it is.
    parts = parse_url(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")
    return f"{parts.scheme}://{parts.host}:{port}"


def _shown(url: str) -> str:
    # Without user, password and query: those may hold secrets.
    return re.sub(r"^([^/]*//)?[^/]*@", r"\1", re.split(r"[?#]", url, maxsplit=1)[0])
