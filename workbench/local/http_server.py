"""A small HTTP server on loopback, in a background thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

# With the default of 0.5 s, stopping a server would take longer than many tests.
_POLL_SECONDS = 0.02


@contextmanager
def serve(respond: Callable[[Request], Response], port: int = 0) -> Iterator[str]:
    """Serve requests with a function and yield the URL; port 0 picks a free port."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return respond(Request(environ))(environ, start_response)

    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
    with run_in_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def run_in_thread(server: BaseServer) -> Iterator[None]:
    """Run a server in a background thread and close it at the end."""
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), name="loopback", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """Log nothing, because a request's path may contain an inbox's secret id."""
