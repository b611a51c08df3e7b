"""Serve a WSGI application on loopback, record its requests, and let it fail on demand."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from workbench.local.http_server import run_in_thread

HTML = b"<html><body><h1>Down for maintenance</h1></body></html>"


@dataclass
class WsgiServer:
    """A served application.

    Each of `failures`, first in first out, responds to a request instead of the application: a
    function from werkzeug's `Request` to a `Response`.
    """

    url: str
    received: list[Request] = field(default_factory=list)
    failures: deque = field(default_factory=deque)
    closing: threading.Event = field(default_factory=threading.Event)

    def silent(self, _request):
        """Never respond: the client has to give up."""
        self.closing.wait(30)
        return Response(status=503)


def status(code, body=b"", **headers):
    """Respond with a status, such as `status(429, Retry_After="7")`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: Response(body, code, named)


def html_page(_request):
    """Respond 200 with a web page, like a proxy in front of a server that is down."""
    return Response(HTML, 200, {"Content-Type": "text/html"})


def truncated(_request):
    """Send less than the Content-Length, and close the connection."""
    response = Response(b'{"results": [{"a"', 200, {"Content-Type": "application/json"})
    response.headers["Content-Length"] = "500"
    response.headers["Connection"] = "close"
    response.automatically_set_content_length = False
    return response


def redirect(location):
    """Respond 302."""
    return status(302, Location=location)


_used_ports = set()


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open, as real servers do
    wbufsize = -1  # head and body in one packet: otherwise each response waits 40 ms for an ACK

    def log(self, *_args):
        """Log nothing."""


@contextmanager
def serve(app, tls=None):
    """Serve a WSGI application, such as a Flask one, on a free port of loopback.

    With `tls`, an `ssl.SSLContext`, it is served by https.
    """
    running = WsgiServer("")

    def respond(environ, start_response):
        request = Request(environ)
        environ["wsgi.input"] = BytesIO(request.get_data(cache=True))
        running.received.append(request)
        if running.failures:
            return running.failures.popleft()(request)(environ, start_response)
        return app(environ, start_response)

    server = _server(respond, tls)
    running.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    with run_in_thread(server):
        try:
            yield running
        finally:
            running.closing.set()


def _server(app, tls):
    # A warm adaptor remembers challenges and tokens by URL, so no port is used twice.
    rejected = []
    while True:
        server = make_server(
            "127.0.0.1", 0, app, threaded=True, request_handler=_Handler, ssl_context=tls
        )
        if server.server_port not in _used_ports:
            break
        rejected.append(server)
    _used_ports.add(server.server_port)
    for unused in rejected:
        unused.server_close()
    return server
