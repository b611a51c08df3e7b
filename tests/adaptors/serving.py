"""Small faithful servers on loopback: a WSGI application, what it received, and troubles."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

HTML = b"<html><body><h1>Down for maintenance</h1></body></html>"


@dataclass
class Served:
    """An application being served.

    `troubles` are answered, first in first out, instead of what the application would say; each is
    a function of the WSGI environment's `Request` that gives a `Response`.
    """

    url: str
    received: list[Request] = field(default_factory=list)
    troubles: deque = field(default_factory=deque)
    released: threading.Event = field(default_factory=threading.Event)

    def silent(self, _request):
        """Never answer: the client has to give up."""
        self.released.wait(30)
        return Response(status=503)


def status(code, body=b"", **headers):
    """Answer with a status, such as `status(429, Retry_After="7")`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: Response(body, code, named)


def html_page(_request):
    """Answer 200 with a page, as a proxy does in front of a server that is down."""
    return Response(HTML, 200, {"Content-Type": "text/html"})


def truncated(_request):
    """Answer with less than was promised, and hang up."""
    answer = Response(b'{"results": [{"a"', 200, {"Content-Type": "application/json"})
    answer.headers["Content-Length"] = "500"
    answer.headers["Connection"] = "close"
    answer.automatically_set_content_length = False
    return answer


def redirect(to):
    """Answer 302."""
    return status(302, Location=to)


_used = set()


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as real servers keep them
    wbufsize = -1  # head and body in one packet: otherwise each answer waits 40 ms for an ACK

    def log(self, *_args):
        """Log nothing."""


@contextmanager
def served(app, tls=None):
    """Serve a WSGI application, such as a Flask one, on a free port of loopback.

    With `tls`, an `ssl.SSLContext`, it is served by https.
    """
    found = Served("")

    def troubled(environ, start_response):
        request = Request(environ)
        environ["wsgi.input"] = BytesIO(request.get_data(cache=True))
        found.received.append(request)
        if found.troubles:
            return found.troubles.popleft()(request)(environ, start_response)
        return app(environ, start_response)

    server = _server(troubled, tls)
    found.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _server(app, tls):
    # At an address that was another's before, a warm adaptor goes on with what it knows of that.
    passed = []
    while True:
        server = make_server(
            "127.0.0.1", 0, app, threaded=True, request_handler=_Handler, ssl_context=tls
        )
        if server.server_port not in _used:
            break
        passed.append(server)
    _used.add(server.server_port)
    for each in passed:
        each.server_close()
    return server
