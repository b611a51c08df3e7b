"""Requests to Salesforce's REST and Bulk APIs, with a session that is renewed when it expires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adaptors._http.auth import Auth, bearer_auth, header_auth
from adaptors._http.client import Client, send
from adaptors._http.request import Request
from adaptors._http.response import Response, json_body, unexpected_content
from adaptors.credentials import read_credential
from adaptors.salesforce.credential import Configuration
from adaptors.salesforce.error_codes import SessionExpired, raise_for_status
from adaptors.salesforce.sessions import forget_session, session_for

State = Mapping[str, Any]


def call_rest_api(state: State, request: Request) -> Any:
    """Send a request and return the JSON of its response, or None for an empty one.

    A path that begins with `/services/` is the organization's; any other is relative to
    `/services/data/v….0/`.
    """
    return _json(_send_rest(state, request))


def call_any_api(state: State, request: Request) -> Any:
    """Send a request and return its response's body: JSON, text, or None for an empty one."""
    return _send_rest(state, request).body


def call_bulk_api(state: State, request: Request) -> Any:
    """Send a request to a path below `/services/async/…/` and return the JSON of its response."""
    configuration = read_credential(Configuration, state)
    path = f"/services/async/{configuration.api_version}/{request.path}"
    session_auth = partial(header_auth, "X-SFDC-Session")
    return _json(_send_with_session(configuration, replace(request, path=path), session_auth))


def _send_rest(state: State, request: Request) -> Response:
    configuration = read_credential(Configuration, state)
    path = request.path
    if not path.startswith("/services/"):
        path = f"/services/data/v{configuration.api_version}/{path.lstrip('/')}"
    return _send_with_session(configuration, replace(request, path=path), bearer_auth)


def _send_with_session(
    configuration: Configuration, request: Request, auth_for: Callable[[str], Auth]
) -> Response:
    """Send a request, and once more with a new session if the session has expired.

    Salesforce does nothing for an expired session, so that sending it again is safe.
    """
    try:
        return _send(configuration, request, auth_for)
    except SessionExpired:
        if not forget_session(configuration):
            raise
    return _send(configuration, request, auth_for)


def _send(
    configuration: Configuration, request: Request, auth_for: Callable[[str], Auth]
) -> Response:
    session = session_for(configuration, request.timeout)
    client = Client(session.instance_url, auth_for(session.token), base_url_key="instance_url")
    return raise_for_status(send(client, replace(request, follow_redirects=False)))


def _json(response: Response) -> Any:
    if response.status == 204:
        return None
    body = json_body(response)
    if not isinstance(body, dict | list):
        raise unexpected_content(response, "JSON")
    return body or None
