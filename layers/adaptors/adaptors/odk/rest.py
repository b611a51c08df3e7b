"""Any other path of ODK Central's API, with its JSON; and what its problems mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._formats import json_text
from adaptors._http.client import SECONDS, Call
from adaptors._http.response import promised_json
from adaptors._http.response import Answer, accepted, for_now, show
from adaptors.credentials import read
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
def get(state: State, path: str, *, query: Query | None = None, timeout: float = SECONDS) -> State:
    """Fetch a path below `baseUrl`; `data` becomes the answer.

    >>> operate = get("v1/projects", query={"datasets": True})
    """
    return sent(state, Call("GET", path, query, timeout=timeout))


@operation
def post(state: State, path: str, json: Any = None, *, timeout: float = SECONDS) -> State:
    """Send JSON to a path below `baseUrl`; `data` becomes the answer.

    >>> operate = post("v1/projects/7/datasets/people/entities", {"label": "Amina", "data": {}})
    """
    return sent(state, Call("POST", path, body=_body(json), timeout=timeout))


@operation
def put(state: State, path: str, json: Any = None, *, timeout: float = SECONDS) -> State:
    """Replace what is at a path below `baseUrl`; `data` becomes the answer.

    >>> operate = put("v1/projects/7", {"name": "Households"})
    """
    return sent(state, Call("PUT", path, body=_body(json), timeout=timeout))


@operation
def patch(state: State, path: str, json: Any = None, *, timeout: float = SECONDS) -> State:
    """Change what is at a path below `baseUrl`; `data` becomes the answer.

    >>> operate = patch("v1/projects/7/forms/visit/submissions/uuid:1", {"reviewState": "approved"})
    """
    return sent(state, Call("PATCH", path, body=_body(json), timeout=timeout))


@operation
def delete(state: State, path: str, *, timeout: float = SECONDS) -> State:
    """Delete what is at a path below `baseUrl`; `data` becomes the answer.

    >>> operate = delete("v1/projects/7/forms/visit")
    """
    return sent(state, Call("DELETE", path, timeout=timeout))


def sent(state: State, call: Call) -> State:
    """Send one request, and take JSON or nothing as its answer."""
    answer = checked(send_authorized(read(Configuration, state), call))
    data = promised_json(answer)
    return next_state(state, data, answer.as_dict())


def checked(answer: Answer) -> Answer:
    """Give an answer whose status is 2xx; for any other raise the error with its verdict.

    Central numbers its problems (409.1), and answers 501 to what it will never do.
    """
    code = problem(answer)
    if answer.status != 501 and (code is None or for_now(answer)):
        return accepted(answer)
    show(answer)
    number = f", problem {code}" if code else ""
    meaning = f": {_MEANING[code]}" if code in _MEANING else ""
    raise RemoteRefused(f"{answer.told}{number}{meaning}")


def problem(answer: Answer) -> float | None:
    """Give the number of the problem that an answer of Central names, `None` if it names none."""
    told = answer.data if answer.status >= 400 else None
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int | float) else None


def _body(json: Any) -> bytes | None:
    return None if json is None else json_text.write(json).encode()
