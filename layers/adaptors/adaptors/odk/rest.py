"""Any other path of ODK Central's API, with its JSON; and what its problems mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._formats import json_text
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import (
    Response,
    is_retryable,
    json_body,
    log_response,
    raise_for_status,
)
from adaptors.credentials import read_credential
from adaptors.errors import RemoteRefused
from adaptors.odk.credential import Configuration
from adaptors.odk.sessions import send_authorized
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]
_MEANING = {
    404.6: "the server has no such version of the form",
    409.1: "another submission, with other XML, has this instanceID",
    409.2: "the form takes no submissions now",
    409.3: "there is one with the same identifier already",
}


@operation
def get(
    state: State, path: str, *, query: Query | None = None, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Fetch a path below `baseUrl`; `data` becomes the answer.

    >>> operate = get("v1/projects", query={"datasets": True})
    """
    return sent(state, Request("GET", path, query, timeout=timeout))


@operation
def post(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Send JSON to a path below `baseUrl`; `data` becomes the answer.

    >>> operate = post("v1/projects/7/datasets/people/entities", {"label": "Amina", "data": {}})
    """
    return sent(state, Request("POST", path, body=_body(json), timeout=timeout))


@operation
def put(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Replace what is at a path below `baseUrl`; `data` becomes the answer.

    >>> operate = put("v1/projects/7", {"name": "Households"})
    """
    return sent(state, Request("PUT", path, body=_body(json), timeout=timeout))


@operation
def patch(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Change what is at a path below `baseUrl`; `data` becomes the answer.

    >>> operate = patch("v1/projects/7/forms/visit/submissions/uuid:1", {"reviewState": "approved"})
    """
    return sent(state, Request("PATCH", path, body=_body(json), timeout=timeout))


@operation
def delete(state: State, path: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Delete what is at a path below `baseUrl`; `data` becomes the answer.

    >>> operate = delete("v1/projects/7/forms/visit")
    """
    return sent(state, Request("DELETE", path, timeout=timeout))


def sent(state: State, request: Request) -> State:
    """Send one request, and take JSON or nothing as its answer."""
    response = checked(send_authorized(read_credential(Configuration, state), request))
    data = json_body(response)
    return next_state(state, data, response.as_dict())


def checked(response: Response) -> Response:
    """Give an answer whose status is 2xx; for any other raise the error with its verdict.

    Central numbers its problems (409.1), and answers 501 to what it will never do.
    """
    code = problem(response)
    if response.status != 501 and (code is None or is_retryable(response)):
        return raise_for_status(response)
    log_response(response)
    number = f", problem {code}" if code else ""
    meaning = f": {_MEANING[code]}" if code in _MEANING else ""
    raise RemoteRefused(f"{response.summary}{number}{meaning}")


def problem(response: Response) -> float | None:
    """Give the number of the problem that an answer of Central names, `None` if it names none."""
    told = response.body if response.status >= 400 else None
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int | float) else None


def _body(json: Any) -> bytes | None:
    return None if json is None else json_text.dumps(json).encode()
