"""How requests leave: one session per thread and origin, time-outs, verdicts, and the dry run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import local
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable

_CONNECT_SECONDS = 10.0
_FOR_NOW = {408, 425, 429}
_SHOWN = 1000
_UNKEPT_HEADERS = {"set-cookie", "www-authenticate", "proxy-authenticate"}
_warm = local()


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
    request = requests.Request(
        method, url, dict(headers or {}), data=body, params=dict(query or {})
    )
    if body is not None:
        request.headers.setdefault("Content-Type", "application/json")
    request.headers.setdefault("Accept", "application/json, */*")
    request.auth = _auth(configuration, url, request.headers)
    seen = _dry.get()
    if seen is not None:
        return _pretend(request, seen)
    session = _session(url)
    try:
        response = session.send(
            session.prepare_request(request),
            timeout=(_CONNECT_SECONDS, timeout),
            # A followed redirect turns a POST into a GET: the record would be lost, with a 200.
            allow_redirects=method == "GET",
        )
    except requests.Timeout:
        raise RemoteUnavailable(f"{method} {_shown(url)}: no answer in time") from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        raise RemoteUnavailable(f"{method} {_shown(url)}: no connection") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        raise ConfigurationError(f"{_shown(url)} is not an address that can be reached") from None
    return _judge(method, response)


def _url(configuration: Mapping[str, Any], path: str) -> str:
    if not isinstance(path, str):
        raise ConfigurationError(f"a path is text, not {type(path).__name__}")
    if "://" in path.partition("?")[0]:
        return path
    base = configuration.get("baseUrl")
    if not base:
        raise ConfigurationError(
            f"the path {path!r} is relative and the credential has no baseUrl; "
            'give the job a credential such as {"baseUrl": "https://…"}'
        )
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else str(base)


def _auth(configuration: Mapping[str, Any], url: str, headers: Mapping[str, Any]) -> AuthBase:
    base = configuration.get("baseUrl")
    own = any(name.lower() == "authorization" for name in headers)
    if own or not base or _origin(url) != _origin(base):
        return _Unchanged()
    if token := configuration.get("access_token"):
        return _Bearer(token)
    if username := configuration.get("username"):
        password = configuration.get("password", "")
        return HTTPBasicAuth(str(username).encode(), str(password).encode())
    return _Unchanged()


class _Unchanged(AuthBase):
    # An auth of any kind keeps requests from looking for one in ~/.netrc.
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def _session(url: str) -> requests.Session:
    sessions: dict[str, requests.Session] = _warm.__dict__.setdefault("sessions", {})
    origin = _origin(url)
    if origin not in sessions:
        sessions[origin] = requests.Session()
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
    except ValueError:
        return response.text


def _kept(response: requests.Response) -> dict[str, str]:
    lower = {name.lower(): value for name, value in response.headers.items()}
    return {name: value for name, value in lower.items() if name not in _UNKEPT_HEADERS}


def _retry_after(response: requests.Response) -> float | None:
    wish = response.headers.get("Retry-After", "")
    return float(wish) if wish.isdigit() else None


def _pretend(request: requests.Request, seen: list[DryRequest]) -> Answer:
    prepared = requests.Session().prepare_request(request)
    headers = {
        name: "***" if name.lower() in ("authorization", "cookie", "x-api-key") else str(value)
        for name, value in prepared.headers.items()
    }
    url = prepared.url or request.url
    body = prepared.body if isinstance(prepared.body, bytes) else b""
    seen.append(DryRequest(request.method, url, headers, body))
    return Answer(request.method, _shown(url), 200, {}, {})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _shown(url: str) -> str:
    # Without user, password and query: those may hold secrets.
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path
