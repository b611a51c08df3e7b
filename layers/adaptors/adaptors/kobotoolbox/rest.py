"""Any other path of KoboToolbox's API, with its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._formats import json_text
from adaptors._http.client import SECONDS, Call, send
from adaptors._http.response import promised_json
from adaptors._http.response import accepted
from adaptors.credentials import read
from adaptors.kobotoolbox.credential import Configuration, access, place
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]


@operation
def get(state: State, path: str, *, query: Query | None = None, timeout: float = SECONDS) -> State:
    """Fetch a path below `/api/v2/`; `data` becomes the answer, one page of it where it has pages.

    >>> operate = get("assets/aXecHjmbATuF6iGFmvBLBX/files", query={"file_type": "map_layer"})
    """
    return sent(state, "GET", path, {"format": "json", **(query or {})}, None, timeout)


@operation
def post(state: State, path: str, json: Any = None, *, timeout: float = SECONDS) -> State:
    """Send JSON to a path below `/api/v2/`; `data` becomes the answer.

    >>> operate = post("assets", {"name": "Households", "asset_type": "survey"})
    """
    return sent(state, "POST", path, None, json, timeout)


@operation
def put(state: State, path: str, json: Any = None, *, timeout: float = SECONDS) -> State:
    """Replace what is at a path below `/api/v2/`; `data` becomes the answer.

    >>> operate = put("assets/aXecHjmbATuF6iGFmvBLBX/files/afQoJxA4kmKEXVpkH6SYbhb", {"a": 1})
    """
    return sent(state, "PUT", path, None, json, timeout)


@operation
def patch(state: State, path: str, json: Any = None, *, timeout: float = SECONDS) -> State:
    """Change what is at a path below `/api/v2/`; `data` becomes the answer.

    >>> operate = patch("assets/aXecHjmbATuF6iGFmvBLBX", {"name": "Households 2026"})
    """
    return sent(state, "PATCH", path, None, json, timeout)


@operation
def delete(state: State, path: str, *, timeout: float = SECONDS) -> State:
    """Delete what is at a path below `/api/v2/`; `data` becomes the answer, mostly `None`.

    >>> operate = delete("assets/aXecHjmbATuF6iGFmvBLBX/data/42")
    """
    return sent(state, "DELETE", path, None, None, timeout)


def sent(
    state: State, method: str, path: str, query: Query | None, json: Any, timeout: float
) -> State:
    """Send one request with JSON in it, and take JSON or nothing as its answer."""
    configuration = read(Configuration, state)
    body = None if json is None else json_text.write(json).encode()
    call = Call(method, place(configuration, path), query, body=body, timeout=timeout)
    answer = accepted(send(access(configuration), call))
    data = promised_json(answer)
    return next_state(state, data, answer.as_dict())
