"""Sessions of ODK Central: a token for e-mail address and password, valid for a day.

Central accepts basic authentication too, but only over https, and then every request costs it a
slow password hash. The token exists in this process only: it is in no state and no log.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from adaptors._http.auth import bearer_auth
from adaptors._http.client import Client, send
from adaptors._http.request import Request
from adaptors._http.response import Response, raise_for_status
from adaptors._runtime import dry_run, token_store
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.odk.credential import Configuration

_SAFETY_MARGIN = 60.0  # seconds before a token expires in which it is not used
_tokens: dict[tuple[str, str, str], tuple[str, float]] = {}


def send_authorized(configuration: Configuration, request: Request) -> Response:
    """Send a request with a token; if a cached token is refused, log in and send it again."""
    is_cached = _cache_key(configuration) in _tokens
    response = send(_client(configuration, request.timeout), request)
    if response.status == 401 and is_cached and configuration.access_token is None:
        _tokens.pop(_cache_key(configuration), None)
        response = send(_client(configuration, request.timeout), request)
    return response


def _client(configuration: Configuration, timeout: float) -> Client:
    return Client(configuration.base_url, bearer_auth(_token(configuration, timeout)))


def _token(configuration: Configuration, timeout: float) -> str:
    if configuration.access_token is not None:
        return configuration.access_token.get_secret_value()
    key = _cache_key(configuration)
    if dry_run.is_active():
        return "dry-run"  # a recorded login would show the password in its body
    token, expires_at = _tokens.get(key, ("", 0.0))
    if time.time() >= expires_at - _SAFETY_MARGIN:
        token, expires_at = _log_in(configuration.base_url, key[1], key[2], timeout)
        _tokens[key] = token, expires_at
    token_store.report_secret(token)
    return token


def _cache_key(configuration: Configuration) -> tuple[str, str, str]:
    if configuration.access_token is not None:
        return configuration.base_url, "", ""
    if configuration.email is None or configuration.password is None:
        raise ConfigurationError(
            "The credential has no email and password, and no access_token. ODK Central needs them."
        )
    return configuration.base_url, configuration.email, configuration.password.get_secret_value()


def _log_in(base_url: str, email: str, password: str, timeout: float) -> tuple[str, float]:
    login = {"email": email, "password": password}
    request = Request("POST", "v1/sessions", json=login, timeout=timeout)
    response = raise_for_status(send(Client(base_url), request))
    session: Any = response.body
    try:
        expires_at = datetime.fromisoformat(session["expiresAt"])
        return str(session["token"]), expires_at.timestamp()
    except (KeyError, TypeError, ValueError):
        # The response is not logged: it may hold a token.
        raise RemoteRefused(
            f"{response.summary} without a token. Check that baseUrl in the credential is the URL "
            "of ODK Central."
        ) from None
