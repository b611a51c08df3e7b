"""Requests for OAuth 2 tokens (RFC 6749, RFC 7523)."""

from __future__ import annotations

import base64
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from adaptors._http import connections, network_errors
from adaptors._http.request import Request, prepare
from adaptors._http.response import Response, is_retryable, retry_after
from adaptors._http.rs256 import sign
from adaptors._http.tls import Tls
from adaptors._http.urls import display_url
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable

# A token is not used in its last minute, or in the second half of a short life.
_SAFETY_MARGIN = 60.0
_ASSERTION_SECONDS = 180  # Salesforce accepts no more
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_MAX_BYTES = 1_000_000
_ERROR_CODE = re.compile(
    "invalid_(request|client|grant|scope|target)|unauthorized_client|unsupported_grant_type"
)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and when to renew it (epoch seconds)."""

    value: str = field(repr=False)
    renew_at: float
    refresh_token: str | None = field(default=None, repr=False)
    """The refresh token that the server sent with it, if any."""
    instance_url: str | None = None
    """Where the token is valid, which Salesforce says."""


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
    refresh_token: str | None = field(default=None, repr=False)
    """The refresh token when the run began; the current one is stored outside of this process."""
    stored: Token | None = field(default=None, repr=False, compare=False)
    """The token that was stored when the run began."""


def fetch(auth: OAuth2, deadline: float, refresh_token: str | None = None) -> Token:
    """Fetch a token.

    Raises RemoteRefused if the server refuses the credential, and RemoteUnavailable if it gives no
    answer.
    """
    began = time.time()
    response = _send(auth, deadline, refresh_token)
    if response.status != 200:
        raise _error(auth, response)
    body = response.body
    value = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(value, str) or not re.fullmatch("[\x21-\x7e]+", value):
        # The response is not logged: it may hold a token.
        raise RemoteRefused(
            f"{response.summary} without an access_token. Check tokenUrl in the credential."
        )
    new = body.get("refresh_token")
    renewed = new if isinstance(new, str) and new else None
    url = body.get("instance_url")
    instance_url = url if isinstance(url, str) else None
    return Token(value, began + _usable_seconds(body.get("expires_in")), renewed, instance_url)


def _usable_seconds(expires_in: Any) -> float:
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError):
        return float("inf")  # it is used until the destination answers 401
    return seconds - min(_SAFETY_MARGIN, seconds / 2)


def _send(auth: OAuth2, deadline: float, refresh_token: str | None) -> Response:
    request = _request(auth, refresh_token)
    try:
        prepared = prepare(request, auth.token_url)
        url = display_url(auth.token_url)
        response, content = connections.round_trip(prepared, auth.tls, deadline, _MAX_BYTES, url)
    except network_errors.NETWORK_ERRORS as error:
        description = request.describe(auth.token_url)
        raise network_errors.error_for(description, error, deadline) from None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response("POST", url, response.status, response.reason or "", headers, content)


def _request(auth: OAuth2, refresh_token: str | None) -> Request:
    fields, headers = dict(auth.fields), {"Accept": "application/json"}
    if refresh_token is not None:
        fields["refresh_token"] = refresh_token
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
    if auth.refresh_token and code == "invalid_grant":
        return RemoteRefused(
            f"{summary}: the refresh token is not valid any more. Sign in again, and set the new "
            "one with `ofn credential set`."
        )
    keys = "private_key, issuer and audience" if auth.assertion else "client_id and client_secret"
    return RemoteRefused(
        f"{summary}, so there is no access token. Check tokenUrl, {keys} and the other keys of "
        "oauth2 in the credential."
    )
