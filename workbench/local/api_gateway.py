"""A real HTTP server on loopback that behaves like API Gateway's HTTP API.

It invokes functions with events of payload format 2.0. Two things are not verified against AWS:
text in a charset other than UTF-8 (here base64, like any bytes), and the response to a request
that is larger than a function accepts (here 413).
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from workbench.local import http_server

Event = dict[str, Any]
Invoke = Callable[[str, Event], Any]
_MAX_REQUEST_BYTES = 10 * 1024 * 1024
_MAX_EVENT_BYTES = 6 * 1024 * 1024
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")


@contextmanager
def serve_routes(
    routes: Mapping[tuple[str, str], str],
    invoke: Invoke,
    port: int,
    host: str = http_server.LOOPBACK,
) -> Iterator[str]:
    """Serve routes on a port and yield the base URL; port 0 picks a free port."""
    rules = Map(
        [
            Rule(path.replace("{id+}", "<path:id>"), methods=[method], endpoint=(method, path))
            for method, path in routes
        ],
        merge_slashes=False,
        strict_slashes=False,
    )
    with http_server.serve(partial(_respond, rules, routes, invoke), port, host) as url:
        yield url


def _respond(
    rules: Map, routes: Mapping[tuple[str, str], str], invoke: Invoke, request: Request
) -> Response:
    content = request.get_data(cache=False)
    try:
        route, parameters = rules.bind("").match(request.path, request.method)
    except HTTPException:  # unknown path, or method that it has not
        return _json_response(404, {"message": "Not Found"})
    event = event_of(request, content, route, dict(parameters))
    if len(content) > _MAX_REQUEST_BYTES or len(json.dumps(event)) > _MAX_EVENT_BYTES:
        return _json_response(413, {"message": "Request Entity Too Large"})
    try:
        result = invoke(routes[route], event)
    except OSError:  # the disk fails; sources post again after a 503, but not after a 500
        return _json_response(503, {"message": "Service Unavailable"}, {"Retry-After": "5"})
    except Exception:
        return _json_response(500, {"message": "Internal Server Error"})
    return response_of(result)


def response_of(result: Event) -> Response:
    """Return the HTTP response of what a function has returned."""
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body
    response = Response(content, result["statusCode"], result.get("headers"))
    for cookie in result.get("cookies", ()):
        response.headers.add("Set-Cookie", cookie)
    return response


def event_of(
    request: Request, content: bytes, route: tuple[str, str], parameters: dict[str, str]
) -> Event:
    """Return the event of a request; cookies are beside the headers, not among them."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    cookies = headers.pop("cookie", "")
    body, is_base64 = _encode_body(content, headers.get("content-type", ""))
    event = {
        "version": "2.0",
        "routeKey": " ".join(route),
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode("latin-1"),
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": _context(request, " ".join(route)),
        "isBase64Encoded": is_base64,
    }
    if request.args:
        event["queryStringParameters"] = {
            name: ",".join(values) for name, values in request.args.lists()
        }
    if cookies:
        event["cookies"] = cookies.split("; ")
    return event | ({"body": body} if content else {})


def _context(request: Request, route: str) -> Event:
    return {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": request.host,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.remote_addr,
            "userAgent": request.headers.get("User-Agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": route,
        "stage": "$default",
        "time": datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": round(time.time() * 1000),
    }


def _encode_body(content: bytes, content_type: str) -> tuple[str, bool]:
    if content_type.lower().startswith(_TEXT_TYPES):
        try:
            return content.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(content).decode(), True


def _json_response(
    status: int, content: Event, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(json.dumps(content), status, headers, content_type="application/json")
