"""Sessions with Salesforce: one login per credential and thread, reused by later runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from adaptors._http.client import Client
from adaptors._http.token_requests import JWT_BEARER, Assertion, OAuth2, fetch
from adaptors._runtime import dry_run, token_store
from adaptors.credentials import Secret
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from adaptors.salesforce.credential import Configuration, LoginMethod
from adaptors.salesforce.error_codes import RETRYABLE_CODES, code_of
from adaptors.salesforce.http_session import login_session

if TYPE_CHECKING:
    from simple_salesforce.exceptions import SalesforceAuthenticationFailed

# Salesforce removed login() in 65.0; requests after the login may use any version.
_LOGIN_VERSION = "59.0"
_LOGGED_CHARACTERS = 1000
_SANDBOX = "https://test.salesforce.com"
_thread = local()


@dataclass(frozen=True, slots=True)
class Session:
    """A session's token, and the URL of the instance it is for."""

    token: str
    instance_url: str


def session_for(configuration: Configuration, timeout: float) -> Session:
    """Return the thread's session of a credential, after a login if it has none."""
    instance_url = configuration.instance_url or configuration.login_url
    if dry_run.is_active():
        return Session("dry-run", instance_url)
    if configuration.login_method is LoginMethod.ACCESS_TOKEN:
        return Session(_reveal(configuration.access_token), instance_url)
    sessions, key = _sessions(), _key(configuration)
    if key not in sessions:
        sessions[key] = _log_in(configuration, timeout)
    token_store.report_secret(sessions[key].token)
    return sessions[key]


def forget_session(configuration: Configuration) -> bool:
    """Forget an expired session, and return whether a new login is possible."""
    return _sessions().pop(_key(configuration), None) is not None


def _log_in(configuration: Configuration, timeout: float) -> Session:
    if configuration.login_method is LoginMethod.JWT_BEARER:
        return _log_in_with_key(configuration, timeout)
    # The library brings zeep and lxml, so it is loaded by the jobs that log in only.
    from simple_salesforce.exceptions import SalesforceAuthenticationFailed  # noqa: PLC0415
    from simple_salesforce.login import SalesforceLogin  # noqa: PLC0415

    client = Client(configuration.login_url, base_url_key="loginUrl")
    try:
        token, host = SalesforceLogin(
            **_login_parameters(configuration),
            sf_version=_LOGIN_VERSION,
            session=login_session(client, timeout),
        )
    except SalesforceAuthenticationFailed as error:
        raise _login_error(error) from None
    except (ExpatError, ValueError, AttributeError):
        token = host = ""
    if not token or not host:
        raise RemoteRefused(
            f"The response of {configuration.login_url} to the login is not Salesforce's. Set "
            "loginUrl to https://login.salesforce.com, or to the organization's own "
            "https://….my.salesforce.com."
        )
    scheme = configuration.login_url.partition(":")[0]
    return Session(token, f"{scheme}://{host.rstrip('/')}")


def _log_in_with_key(configuration: Configuration, timeout: float) -> Session:
    login_url, key = configuration.login_url, _reveal(configuration.private_key)
    is_sandbox = "--" in login_url or login_url == _SANDBOX
    audience = _SANDBOX if is_sandbox else "https://login.salesforce.com"
    client_id, username = configuration.client_id or "", configuration.username
    auth = OAuth2(
        f"{login_url}/services/oauth2/token",
        (("grant_type", JWT_BEARER),),
        assertion=Assertion(client_id, username, audience, None, key),
    )
    try:
        token = fetch(auth, time.monotonic() + timeout)
    except RemoteRefused as error:
        raise RemoteRefused(
            f"{str(error).partition(',')[0]}: Salesforce refused the login. Check loginUrl, "
            "client_id, username and private_key, and that the app has the key's certificate and "
            "its policy allows the user."
        ) from None
    return Session(token.value, (token.instance_url or login_url).rstrip("/"))


def _login_parameters(configuration: Configuration) -> dict[str, Any]:
    if configuration.login_method is LoginMethod.CLIENT_CREDENTIALS:
        return {
            "consumer_key": configuration.client_id,
            "consumer_secret": _reveal(configuration.client_secret),
            # Any but `login` and `test`, as the session sends everything to loginUrl.
            "domain": "my",
        }
    password = _reveal(configuration.password) + _reveal(configuration.security_token)
    return {"username": configuration.username, "password": password}


def _login_error(error: SalesforceAuthenticationFailed) -> AdaptorError:
    print(f"Salesforce refused the login: {error.auth_message[:_LOGGED_CHARACTERS]}")
    code = code_of({"statusCode": error.code}) or "no code"
    if code in RETRYABLE_CODES:
        return RemoteUnavailable(f"Salesforce accepts no logins at the moment ({code}).")
    return RemoteRefused(
        f"Salesforce refused the login ({code}). Check loginUrl, username, password and "
        "securityToken, or client_id and client_secret. The run's log has Salesforce's message."
    )


def _sessions() -> dict[tuple[object, ...], Session]:
    sessions: dict[tuple[object, ...], Session] = _thread.__dict__.setdefault("sessions", {})
    return sessions


def _key(configuration: Configuration) -> tuple[object, ...]:
    return tuple(getattr(configuration, name) for name in Configuration.model_fields)


def _reveal(secret: Secret | None) -> str:
    return secret.get_secret_value() if secret else ""
