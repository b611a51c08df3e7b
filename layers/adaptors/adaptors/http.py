"""Any HTTP API: GET, POST, PUT, PATCH and DELETE, with basic or bearer authentication.

The credential: `baseUrl`, and `username` with `password`, or `access_token`. Paths are relative to
`baseUrl`; it alone is sent the credential. An answer's JSON (or text) becomes `data`, and
`response` tells its method, url, status and headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from adaptors import jsontext
from adaptors.answers import Answer, accepted
from adaptors.configuration import Fields, Secret, read
from adaptors.operations import State, next_state, operation
from adaptors.transport import SECONDS, Access, Auth, Call, basic, header, send

Query = Mapping[str, Any]
Headers = Mapping[str, str]


class Configuration(Fields):
    """The credential of an HTTP API."""

    base_url: str | None = Field(
        None, alias="baseUrl", description="The address that paths are relative to: https://…"
    )
    username: str | None = Field(None, description="The user, for basic authentication.")
    password: Secret | None = Field(None, description="The user's password.")
    access_token: Secret | None = Field(None, description="A token, for bearer authentication.")

    @model_validator(mode="after")
    def _both(self) -> Configuration:
        if (self.username is None) != (self.password is None):
            raise ValueError("the credential needs both, username and password")
        return self


@operation
def get(
    state: State,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = SECONDS,
) -> State:
    """Fetch; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = get("patients", query={"village": data_value("village")})
    """
    return _sent(state, Call("GET", path, query, headers, None, timeout=timeout))


@operation
def post(
    state: State,
    path: str,
    json: Any = None,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = SECONDS,
) -> State:
    """Send JSON; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = post("patients", {"name": data_value("group1/name")})
    """
    return _sent(state, Call("POST", path, query, headers, _body(json), timeout=timeout))


@operation
def put(
    state: State,
    path: str,
    json: Any = None,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = SECONDS,
) -> State:
    """Replace with JSON; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = put(lambda state: f"patients/{state['data']['id']}", data_value("patient"))
    """
    return _sent(state, Call("PUT", path, query, headers, _body(json), timeout=timeout))


@operation
def patch(
    state: State,
    path: str,
    json: Any = None,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = SECONDS,
) -> State:
    """Change with JSON; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = patch("patients/7", {"village": data_value("village")})
    """
    return _sent(state, Call("PATCH", path, query, headers, _body(json), timeout=timeout))


@operation
def delete(
    state: State,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = SECONDS,
) -> State:
    """Delete; `data` becomes the answer.

    >>> operate = delete("patients/7")
    """
    return _sent(state, Call("DELETE", path, query, headers, None, timeout=timeout))


def _sent(state: State, call: Call) -> State:
    configuration = read(Configuration, state)
    answer = accepted(send(Access(configuration.base_url, _auth(configuration)), call))
    return _after(state, answer)


def _auth(configuration: Configuration) -> Auth | None:
    if configuration.access_token:
        token = configuration.access_token.get_secret_value()
        return header("Authorization", f"Bearer {token}")
    if configuration.username is not None and configuration.password is not None:
        return basic(configuration.username, configuration.password.get_secret_value())
    return None


def _after(state: State, answer: Answer) -> State:
    response = {
        "method": answer.method,
        "url": answer.url,
        "status": answer.status,
        "headers": answer.headers,
    }
    return {**next_state(state, answer.data), "response": response}


def _body(json: Any) -> bytes | None:
    return None if json is None else jsontext.write(json).encode()
