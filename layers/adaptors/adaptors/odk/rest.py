"""Requests to any path of ODK Central's API, with JSON, and the problems it responds with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, is_retryable, log_response, raise_for_status
from adaptors._http.rest import call_api
from adaptors.credentials import read_credential
from adaptors.errors import RemoteRefused
from adaptors.odk.credential import Configuration
from adaptors.odk.sessions import send_authorized
from adaptors.operations import State, operation

Query = Mapping[str, Any]
ALREADY_EXISTS = 409.3
_MEANINGS = {
    404.6: "the server does not have this version of the form",
    409.1: "another submission, with other XML, has this instanceID",
    409.2: "the form does not accept submissions now",
    ALREADY_EXISTS: "an object with the same identifier already exists",
}


@operation
def get(
    state: State, path: str, *, query: Query | None = None, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Fetch a path below `baseUrl`; `data` becomes the response.

    >>> operate = get("v1/projects", query={"datasets": True})
    """
    return call(state, Request("GET", path, query, timeout=timeout))


@operation
def post(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Send JSON to a path below `baseUrl`; `data` becomes the response.

    >>> operate = post("v1/projects/7/datasets/people/entities", {"label": "Amina", "data": {}})
    """
    return call(state, Request("POST", path, json=json, timeout=timeout))


@operation
def put(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Replace the object at a path below `baseUrl`; `data` becomes the response.

    >>> operate = put("v1/projects/7", {"name": "Households"})
    """
    return call(state, Request("PUT", path, json=json, timeout=timeout))


@operation
def patch(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Change the object at a path below `baseUrl`; `data` becomes the response.

    >>> operate = patch("v1/projects/7/forms/visit/submissions/uuid:1", {"reviewState": "approved"})
    """
    return call(state, Request("PATCH", path, json=json, timeout=timeout))


@operation
def delete(state: State, path: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Delete the object at a path below `baseUrl`; `data` becomes the response.

    >>> operate = delete("v1/projects/7/forms/visit")
    """
    return call(state, Request("DELETE", path, timeout=timeout))


def call(state: State, request: Request) -> State:
    """Send a request to Central and return the next state."""
    configuration = read_credential(Configuration, state)
    return call_api(state, partial(send_to_central, configuration), request)


def send_to_central(configuration: Configuration, request: Request) -> Response:
    """Send a request to Central and return its response, or raise the error of its status."""
    return raise_for_problem(send_authorized(configuration, request))


def raise_for_problem(response: Response) -> Response:
    """Return a response whose status is 2xx, or raise the error with Central's problem code.

    Central sends 501 for requests that it will never support, so 501 is not retried.
    """
    code = problem_code(response)
    if response.status != 501 and (code is None or is_retryable(response)):
        return raise_for_status(response)
    log_response(response)
    number = f", problem {code}" if code else ""
    meaning = f": {_MEANINGS[code]}." if code in _MEANINGS else ""
    raise RemoteRefused(f"{response.summary}{number}{meaning}")


def problem_code(response: Response) -> float | None:
    """Return the code of the problem in a response of Central, such as 409.1, or None."""
    body = response.body if response.status >= 400 else None
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int | float) else None
