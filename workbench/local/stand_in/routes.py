"""A stand-in's routes: which response belongs to a method and a path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a stand-in."""

    request: Request
    number: int
    """The number of requests so far; it serves as an id."""
    values: Mapping[str, str]
    """The named groups of the route's pattern."""

    @property
    def json(self) -> Any:
        """The body, parsed as JSON; `None` if it is not JSON."""
        return self.request.get_json(force=True, silent=True)

    @property
    def object(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is not one."""
        return self.json if isinstance(self.json, dict) else {}


Route = tuple[str, str, Callable[[Call], Response]]
"""A method, a regular expression for the whole path, and the function that responds."""


def respond(routes: tuple[Route, ...], request: Request, number: int) -> Response:
    """Return the response of the first route that matches, or else `201 {"id": number}`."""
    for method, pattern, response_to in routes:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            return response_to(Call(request, number, match.groupdict("")))
    return as_json({"id": number}, 201)


def as_json(value: Any, status: int = 200) -> Response:
    """Return a response with a JSON body."""
    return Response(json.dumps(value), status, content_type="application/json")


def as_xml(text: str, status: int = 200) -> Response:
    """Return a response with an XML body."""
    return Response(text, status, content_type="text/xml")


def openrosa_success() -> Response:
    """Return the OpenRosa response to a form that was stored."""
    message = '<message nature="submit_success">Form received</message>'
    namespace = "http://openrosa.org/http/response"
    return as_xml(f'<OpenRosaResponse xmlns="{namespace}">{message}</OpenRosaResponse>', 201)
