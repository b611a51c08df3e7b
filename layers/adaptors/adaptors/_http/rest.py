"""Call a JSON API: send a request and put its response into the job's state."""

from __future__ import annotations

from collections.abc import Callable

from adaptors._http.request import Request
from adaptors._http.response import Response, json_body
from adaptors.operations import State, next_state


def call_api(state: State, send: Callable[[Request], Response], request: Request) -> State:
    """Send a request and return the next state: `data` is the JSON of the response.

    Raises the error of the status, and RemoteRefused for anything but JSON or an empty body.
    """
    response = send(request)
    return next_state(state, json_body(response), response.as_dict())
