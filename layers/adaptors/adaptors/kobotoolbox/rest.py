"""Any other path of KoboToolbox's API, with its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._formats import json_text
from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import json_body, raise_for_status
from adaptors.credentials import read_credential
from adaptors.kobotoolbox.credential import Configuration, access, place
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]


@operation
def get(
    state: State, path: str, *, query: Query | None = None, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Fetch a path below `/api/v2/`; `data` becomes the answer, one page of it where it has pages.

    >>> operate = get("assets/aXecHjmbATuF6iGFmvBLBX/files", query={"file_type": "map_layer"})
    """
    return sent(state, "GET", path, {"format": "json", **(query or {})}, None, timeout)


@operation
def post(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Send JSON to a path below `/api/v2/`; `data` becomes the answer.

    >>> operate = post("assets", {"name": "Households", "asset_type": "survey"})
    """
    return sent(state, "POST", path, None, json, timeout)


@operation
def put(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Replace what is at a path below `/api/v2/`; `data` becomes the answer.

    >>> operate = put("assets/aXecHjmbATuF6iGFmvBLBX/files/afQoJxA4kmKEXVpkH6SYbhb", {"a": 1})
    """
    return sent(state, "PUT", path, None, json, timeout)


@operation
def patch(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Change what is at a path below `/api/v2/`; `data` becomes the answer.

    >>> operate = patch("assets/aXecHjmbATuF6iGFmvBLBX", {"name": "Households 2026"})
    """
    return sent(state, "PATCH", path, None, json, timeout)


@operation
def delete(state: State, path: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Delete what is at a path below `/api/v2/`; `data` becomes the answer, mostly `None`.

    >>> operate = delete("assets/aXecHjmbATuF6iGFmvBLBX/data/42")
    """
    return sent(state, "DELETE", path, None, None, timeout)


def sent(
    state: State, method: str, path: str, query: Query | None, json: Any, timeout: float
) -> State:
    """Send one request with JSON in it, and take JSON or nothing as its answer."""
    configuration = read_credential(Configuration, state)
    body = None if json is None else json_text.dumps(json).encode()
    request = Request(method, place(configuration, path), query, body=body, timeout=timeout)
    response = raise_for_status(send(access(configuration), request))
    data = json_body(response)
    return next_state(state, data, response.as_dict())
