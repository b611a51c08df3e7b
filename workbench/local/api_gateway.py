"""A real HTTP server on loopback that stands for API Gateway's HTTP API.

It gives the functions events of payload format 2.0 and answers as API Gateway does. Not known
without an account: what API Gateway makes of text in another charset than UTF-8 (here it becomes
base64, like any bytes), and its answer to a request larger than a function takes (here 413).
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

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from workbench.local import http_server

Event = dict[str, Any]
Invoke = Callable[[str, Event], Any]
_GATEWAY_BYTES = 10 * 1024 * 1024
_FUNCTION_BYTES = 6 * 1024 * 1024
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


@contextmanager
def serving(routes: Mapping[tuple[str, str], str], invoke: Invoke, port: int) -> Iterator[str]:
    """Serve the API's routes on a port (0: a free one) and give the base URL."""
    rules = Map(
        [
            Rule(path.replace("{id+}", "<path:id>"), methods=[method], endpoint=(method, path))
            for method, path in routes
        ],
        merge_slashes=False,
        strict_slashes=False,
    )

    with http_server.serving(partial(_answer, rules, routes, invoke), port) as url:
        yield url


def _answer(
    rules: Map, routes: Mapping[tuple[str, str], str], invoke: Invoke, request: Request
) -> Response:
    content = request.get_data(cache=False)
    adapter = rules.bind("127.0.0.1")
    if request.method not in adapter.allowed_methods(request.path):
        return _json(404, {"message": "Not Found"})
    route, parameters = adapter.match(request.path, request.method)
    event = _event(request, content, route, dict(parameters))
    if len(content) > _GATEWAY_BYTES or len(json.dumps(event)) > _FUNCTION_BYTES:
        return _json(413, {"message": "Request Entity Too Large"})
    try:
        answer = invoke(routes[route], event)
    except Exception:
        return _json(500, {"message": "Internal Server Error"})
    return Response(answer.get("body", ""), answer["statusCode"], answer.get("headers"))


def _event(
    request: Request, content: bytes, route: tuple[str, str], parameters: dict[str, str]
) -> Event:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    body, encoded = _body(content, headers.get("content-type", ""))
    event = {
        "version": "2.0",
        "routeKey": " ".join(route),
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode("latin-1"),
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": _context(request, " ".join(route)),
        "isBase64Encoded": encoded,
    }
    if request.args:
        event["queryStringParameters"] = {k: ",".join(v) for k, v in request.args.lists()}
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


def _body(content: bytes, content_type: str) -> tuple[str, bool]:
    if content_type.lower().startswith(_TEXT):
        try:
            return content.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(content).decode(), True


def _json(status: int, content: Event) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
