"""OAuth 2: access tokens that this process fetches, caches and renews.

A token is cached for each credential until shortly before it ends, or until the destination answers
401. It is in no state, no log and no error. Where the server replaces refresh tokens, one run at a
time renews them, and whatever executes the job stores them: `adaptors._runtime.token_store`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from requests import PreparedRequest

from adaptors._http import token_requests
from adaptors._http.token_requests import OAuth2, Token
from adaptors._http.urls import display_url
from adaptors._runtime import dry_run, token_store
from adaptors.errors import RemoteUnavailable

_MASK = "***"
_REQUEST_SECONDS = 30  # a lease lasts longer
_WAIT_SECONDS = 0.2
_tokens: dict[OAuth2, Token] = {}
_refused: dict[OAuth2, str] = {}
_locks: dict[OAuth2, threading.Lock] = {}


def authorize(auth: OAuth2, request: PreparedRequest, deadline: float) -> None:
    """Authorize a request with the credential's token, after fetching it if there is none.

    Raises RemoteRefused if the token's server refuses the credential, and RemoteUnavailable if it
    gives no answer.
    """
    if dry_run.is_active():
        value = "dry-run"
    else:
        value = _current_token(auth, deadline).value
        token_store.report_secret(value)
    request.headers["Authorization"] = f"Bearer {value}"


def forget(auth: OAuth2, request: PreparedRequest) -> None:
    """Forget the token of a request that was answered 401, unless it was renewed meanwhile."""
    _refused[auth] = _token_of(request)
    token = _tokens.get(auth)
    if token is not None and token.value == _refused[auth]:
        _tokens.pop(auth, None)


def mask(request: PreparedRequest, text: str) -> str:
    """Return a part of a response without the token that the request had."""
    token = _token_of(request)
    for form in {token, token.replace("/", "\\/"), quote_plus(token)} - {""}:
        text = text.replace(form, _MASK)
    return text


def _token_of(request: PreparedRequest) -> str:
    return str(request.headers.get("Authorization", "")).removeprefix("Bearer ")


def _current_token(auth: OAuth2, deadline: float) -> Token:
    lock = _locks.setdefault(auth, threading.Lock())
    if not lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise _no_token(auth)
    try:
        token = _tokens.get(auth)
        if token is None or not _is_valid(auth, token):
            fetch = _refresh if auth.refresh_token else token_requests.fetch
            token = _tokens[auth] = fetch(auth, deadline)
        return token
    finally:
        lock.release()


def _is_valid(auth: OAuth2, token: Token) -> bool:
    return token.value != _refused.get(auth) and time.time() < token.renew_at


def _refresh(auth: OAuth2, deadline: float) -> Token:
    """Return the stored token if it is valid; else renew it, or wait until another run has."""
    if auth.stored and _is_valid(auth, auth.stored):
        return auth.stored
    old = _tokens.get(auth) or auth.stored
    refused = _refused.get(auth) or (old.value if old else "")
    while (reply := token_store.ask("lease", refused=refused)).get("wait"):
        if time.monotonic() + _WAIT_SECONDS > deadline:
            raise _no_token(auth)
        time.sleep(_WAIT_SECONDS)
    stored = reply["tokens"]
    if reply.get("holder"):
        return _renew(auth, deadline, str(stored["refresh_token"]))
    return Token(stored["access_token"], stored["expires_at"] or float("inf"))


def _renew(auth: OAuth2, deadline: float, refresh_token: str) -> Token:
    deadline = min(deadline, time.monotonic() + _REQUEST_SECONDS)
    try:
        token = token_requests.fetch(auth, deadline, refresh_token)
    except BaseException:
        token_store.ask("release")
        raise
    _tokens[auth] = token  # it serves the next attempt even if it cannot be stored
    token_store.ask("save", tokens=_as_stored(token, refresh_token))
    return token


def _as_stored(token: Token, refresh_token: str) -> Mapping[str, Any]:
    return {
        "refresh_token": token.refresh_token or refresh_token,
        "access_token": token.value,
        "expires_at": None if token.renew_at == float("inf") else token.renew_at,
    }


def _no_token(auth: OAuth2) -> RemoteUnavailable:
    return RemoteUnavailable(f"No token came from {display_url(auth.token_url)} in time.")
