"""Any HTTP API: GET, POST, PUT, PATCH and DELETE, with basic or bearer authentication.

The credential: `baseUrl`, and `username` with `password`, or `access_token`. Paths are relative to
`baseUrl`; it alone is sent the credential. An answer's JSON (or text) becomes `data`, and
`response` tells its method, url, status and headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors import jsontext
from adaptors.common import State, next_state, operation
from adaptors.transport import Answer, send

Query = Mapping[str, Any]
Headers = Mapping[str, str]
_TIMEOUT = 60.0


@operation
def get(
    state: State,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = _TIMEOUT,
) -> State:
    """Fetch; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = get("patients", query={"village": data_value("village")})
    """
    return _after(state, send(state, "GET", path, query, headers, None, timeout))


@operation
def post(
    state: State,
    path: str,
    json: Any = None,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = _TIMEOUT,
) -> State:
    """Send JSON; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = post("patients", {"name": data_value("group1/name")})
    """
    return _after(state, send(state, "POST", path, query, headers, _body(json), timeout))


@operation
def put(
    state: State,
    path: str,
    json: Any = None,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = _TIMEOUT,
) -> State:
    """Replace with JSON; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = put(lambda state: f"patients/{state['data']['id']}", data_value("patient"))
    """
    return _after(state, send(state, "PUT", path, query, headers, _body(json), timeout))


@operation
def patch(
    state: State,
    path: str,
    json: Any = None,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = _TIMEOUT,
) -> State:
    """Change with JSON; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = patch("patients/7", {"village": data_value("village")})
    """
    return _after(state, send(state, "PATCH", path, query, headers, _body(json), timeout))


@operation
def delete(
    state: State,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    timeout: float = _TIMEOUT,
) -> State:
    """Delete; `data` becomes the answer.

    >>> operate = delete("patients/7")
    """
    return _after(state, send(state, "DELETE", path, query, headers, None, timeout))


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
