"""Sessions with Salesforce: one login per credential and thread, kept from run to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import local
from typing import TYPE_CHECKING, Any, TypeVar, cast
from xml.parsers.expat import ExpatError

import requests

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors._runtime import dry_run
from adaptors.credentials import Secret, read_credential
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from adaptors.salesforce.credential import Configuration
from adaptors.salesforce.error_codes import FOR_NOW, Expired, code_of
from adaptors.salesforce.http_session import Gate

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce
    from simple_salesforce.exceptions import SalesforceAuthenticationFailed

T = TypeVar("T")
# Salesforce has no login() in 65.0 and later; what follows it may be of any version.
_LOGIN_VERSION = "59.0"
_warm = local()


@dataclass(frozen=True, slots=True)
class _Session:
    token: str
    instance: str


def ask(
    state: Mapping[str, Any], request: Callable[[Salesforce], T], timeout: float = DEFAULT_TIMEOUT
) -> T:
    """Make one request, logged in; if the session has expired, log in again and make it once more.

    A request refused for its session has done nothing, so that repeating it is harmless.
    """
    configuration = read_credential(Configuration, state)
    try:
        return request(_client(configuration, timeout))
    except Expired:
        if not _sessions().pop(_key(configuration), None):
            raise
    return request(_client(configuration, timeout))


def _client(configuration: Configuration, timeout: float) -> Salesforce:
    # It brings zeep and lxml, for a part of Salesforce's API that no operation uses.
    from simple_salesforce.api import Salesforce  # noqa: PLC0415 - loaded when first needed

    session = _session(configuration, timeout)
    return Salesforce(
        session_id=session.token,
        instance_url=session.instance,
        version=configuration.api_version,
        session=_as_session(Gate(session.instance, "instance_url", timeout)),
        object_pairs_hook=dict,
    )


def _session(configuration: Configuration, timeout: float) -> _Session:
    instance = configuration.instance_url or configuration.login_url
    if dry_run.is_active():
        return _Session("dry-run", instance)
    if configuration.way == "token":
        return _Session(_plain(configuration.access_token), instance)
    sessions, key = _sessions(), _key(configuration)
    if key not in sessions:
        sessions[key] = _log_in(configuration, timeout)
    return sessions[key]


def _log_in(configuration: Configuration, timeout: float) -> _Session:
    from simple_salesforce.exceptions import (  # noqa: PLC0415 - see above
        SalesforceAuthenticationFailed,
    )
    from simple_salesforce.login import SalesforceLogin  # noqa: PLC0415 - see above

    gate = Gate(configuration.login_url, "loginUrl", timeout)
    try:
        log_in = partial(SalesforceLogin, sf_version=_LOGIN_VERSION, session=_as_session(gate))
        token, host = log_in(**_means(configuration))
    except SalesforceAuthenticationFailed as error:
        raise _verdict(error) from None
    except (ExpatError, ValueError, AttributeError):
        token = host = ""
    if not token or not host:
        raise RemoteRefused(
            f"{configuration.login_url} answered a login with something else; make loginUrl "
            "https://login.salesforce.com, or the organization's own https://….my.salesforce.com"
        )
    scheme = configuration.login_url.partition(":")[0]
    return _Session(token, f"{scheme}://{host.rstrip('/')}")


def _means(configuration: Configuration) -> dict[str, Any]:
    if configuration.way == "client":
        secret = _plain(configuration.client_secret)
        own = "my"  # any but `login` and `test`: the gate goes to loginUrl, whatever is said here
        return {
            "consumer_key": configuration.client_id,
            "consumer_secret": secret,
            "domain": own,
        }
    password = _plain(configuration.password) + _plain(configuration.security_token)
    return {"username": configuration.username, "password": password}


def _verdict(error: SalesforceAuthenticationFailed) -> AdaptorError:
    print(f"Salesforce does not let the credential in: {error.auth_message[:1000]}")
    code = code_of({"statusCode": error.code}) or "no code"
    if code in FOR_NOW:
        return RemoteUnavailable(f"Salesforce does not let anybody in: {code}")
    return RemoteRefused(
        f"Salesforce does not let the credential in ({code}); the log has its words. Look at "
        "loginUrl, username, password and securityToken, or at client_id and client_secret"
    )


def _sessions() -> dict[tuple[object, ...], _Session]:
    found: dict[tuple[object, ...], _Session] = _warm.__dict__.setdefault("sessions", {})
    return found


def _key(configuration: Configuration) -> tuple[object, ...]:
    return tuple(getattr(configuration, name) for name in Configuration.model_fields)


def _plain(secret: Secret | None) -> str:
    return secret.get_secret_value() if secret else ""


def _as_session(gate: Gate) -> requests.Session:
    return cast("requests.Session", gate)
