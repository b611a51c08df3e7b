"""The HTTP client: send a request with a credential, and return the response."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import requests
from urllib3 import BaseHTTPResponse

from adaptors._http import (
    connections,
    digest_auth,
    dry_run_response,
    network_errors,
    oauth2,
    redirects,
)
from adaptors._http.auth import Auth
from adaptors._http.digest_auth import DigestAuth
from adaptors._http.request import Request, own_headers, prepare
from adaptors._http.response import Response, json_body
from adaptors._http.tls import Tls, ssl_context
from adaptors._http.token_requests import OAuth2
from adaptors._http.urls import display_url, origin
from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError

_DROPPED_HEADERS = {"set-cookie", "www-authenticate", "proxy-authenticate"}
# urllib3 logs URLs with their query, and what destinations respond.
logging.getLogger("urllib3").propagate = False
logging.getLogger("urllib3").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Client:
    """A base URL, and how requests to its origin, and to no other, are authorized.

    `base_url_key` is the credential's key for the URL, for errors.
    """

    base_url: str | None = None
    auth: Auth | None = None
    base_url_key: str = "baseUrl"
    digest: DigestAuth | None = None
    tls: Tls | None = None
    oauth2: OAuth2 | None = None


def send(client: Client, request: Request) -> Response:
    """Send a request and return the response, whatever its status: see `raise_for_status`.

    Raises an AdaptorError with its verdict if there is no response, or an unreadable one.
    """
    url = _resolve(client, request.path)
    deadline = time.monotonic() + request.timeout
    try:
        if dry_run.is_active():
            return _record(client, request, url)
        send_once = partial(_send_once, client, deadline)
        send_without_credential = partial(_send_once, Client(), deadline)
        return redirects.follow(send_once, send_without_credential, request, url)
    except network_errors.NETWORK_ERRORS as error:
        raise network_errors.error_for(request.describe(url), error, deadline) from None


def send_json(client: Client, request: Request) -> Any:
    """Send a request and return the JSON of its response, or None for an empty body.

    Raises an AdaptorError for any status but 2xx, and for a body that is not JSON.
    """
    return json_body(send(client, request))


def _send_once(client: Client, deadline: float, request: Request, url: str) -> Response:
    exchange = partial(_exchange, client, deadline, request, url)
    prepared, response, content = exchange()
    is_refused = response.status == 401 and _is_own(client, prepared)
    if is_refused and _can_repeat(client, request, prepared, response):
        prepared, response, content = exchange()
    received = _response(request, prepared, response, content)
    return (
        _without_token(received, prepared) if _uses_oauth2(client, request, prepared) else received
    )


def _can_repeat(
    client: Client,
    request: Request,
    prepared: requests.PreparedRequest,
    response: BaseHTTPResponse,
) -> bool:
    """Return whether a request that was answered 401 can be authorized anew."""
    if client.digest:
        cookies = digest_auth.cookies_of(response.headers.getlist("set-cookie"))
        challenges = response.headers.getlist("www-authenticate")
        return digest_auth.learn(client.digest, prepared, challenges, cookies)
    if client.oauth2 is None or not _uses_oauth2(client, request, prepared):
        return False
    oauth2.forget(client.oauth2, prepared)
    return True


def _uses_oauth2(client: Client, request: Request, prepared: requests.PreparedRequest) -> bool:
    """Return whether a request has the credential's token, and not the job's own header."""
    names = map(str.lower, own_headers(request))
    return bool(client.oauth2) and _is_own(client, prepared) and "authorization" not in names


def _without_token(response: Response, prepared: requests.PreparedRequest) -> Response:
    # A destination may quote the request. What it quotes would be stored and logged.
    headers = {name: oauth2.mask(prepared, value) for name, value in response.headers.items()}
    content = oauth2.mask(prepared, response.content.decode("latin-1")).encode("latin-1")
    return replace(response, headers=headers, content=content)


def _exchange(
    client: Client, deadline: float, request: Request, url: str
) -> tuple[requests.PreparedRequest, BaseHTTPResponse, bytes]:
    prepared = prepare(request, url)
    tls = _authorize(client, request, prepared, deadline)
    name = request.display_url or display_url(url)
    return prepared, *connections.round_trip(prepared, tls, deadline, request.max_bytes, name)


def _record(client: Client, request: Request, url: str) -> Response:
    authorized = prepare(request, url)
    unauthorized = authorized.copy()
    tls = _authorize(client, request, authorized, time.monotonic())
    ssl_context(tls)  # raises for an unusable certificate
    return dry_run_response.record_request(authorized, unauthorized, request.dry_run_response)


def _authorize(
    client: Client, request: Request, prepared: requests.PreparedRequest, deadline: float
) -> Tls | None:
    if not _is_own(client, prepared):
        return None
    if client.auth is not None:
        client.auth(prepared)
    if client.oauth2 is not None and _uses_oauth2(client, request, prepared):
        oauth2.authorize(client.oauth2, prepared, deadline)
    if client.digest is not None:
        digest_auth.authorize(client.digest, prepared)
    prepared.headers.update(own_headers(request))  # the job's own headers win
    return client.tls


def _is_own(client: Client, prepared: requests.PreparedRequest) -> bool:
    base_url = client.base_url or ""
    return bool(base_url) and origin(prepared.url or "") == origin(base_url)


def _response(
    request: Request,
    prepared: requests.PreparedRequest,
    response: BaseHTTPResponse,
    content: bytes,
) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    headers = {name: value for name, value in headers.items() if name not in _DROPPED_HEADERS}
    url = request.display_url or display_url(prepared.url or "")
    status, reason = response.status, response.reason or ""
    return Response(prepared.method or "", url, status, reason, headers, content)


def _resolve(client: Client, path: str) -> str:
    if not isinstance(path, str):
        raise ConfigurationError(f"A path is a text, not {type(path).__name__}.")
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", path):
        return path
    base_url, key = client.base_url, client.base_url_key
    if not base_url:
        raise ConfigurationError(
            f"The path {display_url(path)!r} is relative, and the credential has no {key}. "
            f'Give the job a credential such as {{"{key}": "https://…"}}.'
        )
    if re.search("[?#]|//[^/]*@", base_url):
        raise ConfigurationError(
            f"The credential's {key} must be a plain URL. Put user and "
            "password into separate keys, and the query into the job (query=…)."
        )
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}" if path else base_url
