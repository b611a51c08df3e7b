"""OAuth 2 (RFC 6749, RFC 7523): access tokens that this process fetches, keeps and renews.

A token is kept for each credential until shortly before it ends, or until the destination answers
401. It exists in this process only: it is in no state, no log and no error.
"""

from __future__ import annotations

import base64
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from requests import PreparedRequest

from adaptors._http import connections, network_errors
from adaptors._http.request import Request, prepare
from adaptors._http.response import Response, is_retryable, retry_after
from adaptors._http.rs256 import sign
from adaptors._http.tls import Tls
from adaptors._http.urls import display_url
from adaptors._runtime import dry_run
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable

_MASK = "***"
# A token is not used in its last minute, or in the second half of a short life.
_SAFETY_MARGIN = 60.0
_ASSERTION_SECONDS = 180  # Salesforce accepts no more
_MAX_BYTES = 1_000_000
_ERROR_CODE = re.compile(
    "invalid_(request|client|grant|scope|target)|unauthorized_client|unsupported_grant_type"
)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a service account signs to receive a token."""

    issuer: str
    subject: str | None
    audience: str
    scope: str | None
    private_key: str = field(repr=False)
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class OAuth2:
    """How to receive a token: the form's fields, the client, and what is signed."""

    token_url: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    secret_in_body: bool = False
    assertion: Assertion | None = None
    tls: Tls | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float


_tokens: dict[OAuth2, _Token] = {}
_locks: dict[OAuth2, threading.Lock] = {}


def authorize(auth: OAuth2, request: PreparedRequest, deadline: float) -> None:
    """Authorize a request with the credential's token, after fetching it if there is none.

    Raises RemoteRefused if the token's server refuses the credential, and RemoteUnavailable if it
    gives no answer.
    """
    token = "dry-run" if dry_run.is_active() else _current_token(auth, deadline)
    request.headers["Authorization"] = f"Bearer {token}"


def forget(auth: OAuth2, request: PreparedRequest) -> None:
    """Forget the token of a request that was answered 401, unless it was renewed meanwhile."""
    token = _tokens.get(auth)
    if token is not None and token.value == _token_of(request):
        _tokens.pop(auth, None)


def mask(request: PreparedRequest, text: str) -> str:
    """Return a part of a response without the token that the request had."""
    token = _token_of(request)
    for form in {token, token.replace("/", "\\/"), quote_plus(token)} - {""}:
        text = text.replace(form, _MASK)
    return text


def _token_of(request: PreparedRequest) -> str:
    return str(request.headers.get("Authorization", "")).removeprefix("Bearer ")


def _current_token(auth: OAuth2, deadline: float) -> str:
    lock = _locks.setdefault(auth, threading.Lock())
    if not lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise RemoteUnavailable(f"No token came from {display_url(auth.token_url)} in time.")
    try:
        token = _tokens.get(auth)
        if token is None or time.time() >= token.renew_at:
            token = _tokens[auth] = _fetch(auth, deadline)
        return token.value
    finally:
        lock.release()


def _fetch(auth: OAuth2, deadline: float) -> _Token:
    began = time.time()
    response = _send(auth, deadline)
    if response.status != 200:
        raise _error(auth, response)
    body = response.body
    value = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(value, str) or not re.fullmatch("[\x21-\x7e]+", value):
        # The response is not logged: it may hold a token.
        raise RemoteRefused(
            f"{response.summary} without an access_token. Check tokenUrl in the credential."
        )
    return _Token(value, began + _usable_seconds(body.get("expires_in")))


def _usable_seconds(expires_in: Any) -> float:
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError):
        return float("inf")  # it is used until the destination answers 401
    return seconds - min(_SAFETY_MARGIN, seconds / 2)


def _send(auth: OAuth2, deadline: float) -> Response:
    request = _request(auth)
    try:
        prepared = prepare(request, auth.token_url)
        url = display_url(auth.token_url)
        response, content = connections.round_trip(prepared, auth.tls, deadline, _MAX_BYTES, url)
    except network_errors.NETWORK_ERRORS as error:
        description = request.describe(auth.token_url)
        raise network_errors.error_for(description, error, deadline) from None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response("POST", url, response.status, response.reason or "", headers, content)


def _request(auth: OAuth2) -> Request:
    fields, headers = dict(auth.fields), {"Accept": "application/json"}
    if auth.assertion is not None:
        fields["assertion"] = _sign(auth.assertion)
    if auth.client_id is not None and auth.client_secret is not None and not auth.secret_in_body:
        # RFC 6749, section 2.3.1: both are encoded as in a form before they are joined.
        pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif auth.client_id is not None:
        fields["client_id"] = auth.client_id
        if auth.client_secret is not None:
            fields["client_secret"] = auth.client_secret
    form, content_type = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return Request("POST", auth.token_url, None, headers, form, content_type)


def _sign(assertion: Assertion) -> str:
    now = int(time.time())
    claims = {
        "iss": assertion.issuer,
        "sub": assertion.subject,
        "aud": assertion.audience,
        "scope": assertion.scope,
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
        "jti": str(uuid.uuid4()),
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return sign(present, assertion.private_key, assertion.key_id)


def _error(auth: OAuth2, response: Response) -> AdaptorError:
    body = response.body
    code = body.get("error") if isinstance(body, dict) else None
    is_known = isinstance(code, str) and _ERROR_CODE.fullmatch(code)
    summary = f"{response.summary} ({code})" if is_known else response.summary
    if is_retryable(response):
        return RemoteUnavailable(f"{summary}, so there is no access token.", retry_after(response))
    keys = "private_key, issuer and audience" if auth.assertion else "client_id and client_secret"
    return RemoteRefused(
        f"{summary}, so there is no access token. Check tokenUrl, {keys} and the other keys of "
        "oauth2 in the credential."
    )
