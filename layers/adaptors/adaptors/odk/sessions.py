"""Sessions of ODK Central: a token for e-mail address and password, good for a day.

Central takes basic authentication too, but only over https, and it checks the password's slow hash
with every request then. The token lives in this process alone: never in a state, never in a log.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

from adaptors._http.auth import header_auth
from adaptors._http.client import Client, send
from adaptors._http.request import Request
from adaptors._http.response import Response, raise_for_status
from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.odk.credential import Configuration

_EARLY = 60.0  # seconds before its end from which a token is not used any more
_tokens: dict[tuple[str, str, str], tuple[str, float]] = {}


def send_authorized(configuration: Configuration, request: Request) -> Response:
    """Send a request with a token; if a kept one is refused, once more with a new one."""
    kept = _key(configuration) in _tokens
    response = send(_access(configuration, request.timeout), request)
    if response.status == 401 and kept and configuration.access_token is None:
        _tokens.pop(_key(configuration), None)
        response = send(_access(configuration, request.timeout), request)
    return response


def _access(configuration: Configuration, timeout: float) -> Client:
    token = _token(configuration, timeout)
    return Client(configuration.base_url, header_auth("Authorization", f"Bearer {token}"))


def _token(configuration: Configuration, timeout: float) -> str:
    if configuration.access_token is not None:
        return configuration.access_token.get_secret_value()
    key = _key(configuration)
    if dry_run.is_active():
        return "of-a-dry-run"  # a dry run would show the password in the body
    token, until = _tokens.get(key, ("", 0.0))
    if time.time() >= until - _EARLY:
        token, until = _logged_in(configuration.base_url, key[1], key[2], timeout)
        _tokens[key] = token, until
    return token


def _key(configuration: Configuration) -> tuple[str, str, str]:
    if configuration.access_token is not None:
        return configuration.base_url, "", ""
    if configuration.email is None or configuration.password is None:
        raise ConfigurationError(
            "ODK Central needs email and password, or access_token, in the credential"
        )
    return configuration.base_url, configuration.email, configuration.password.get_secret_value()


def _logged_in(base: str, email: str, password: str, timeout: float) -> tuple[str, float]:
    body = json.dumps({"email": email, "password": password}).encode()
    response = raise_for_status(
        send(Client(base), Request("POST", "v1/sessions", body=body, timeout=timeout))
    )
    told: Any = response.body
    try:
        return str(told["token"]), datetime.fromisoformat(told["expiresAt"]).timestamp()
    except (KeyError, TypeError, ValueError):
        # What was answered is not shown: it may hold a token.
        raise RemoteRefused(
            f"{response.summary}, but with no token; look whether baseUrl is ODK Central's own "
            "address"
        ) from None
