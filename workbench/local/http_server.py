"""A small HTTP server on loopback, in a background thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseServer
from typing import Any, cast

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

_POLL_SECONDS = 10
LOOPBACK = "127.0.0.1"
"""The address that only programs on this machine reach."""


@contextmanager
def serve(
    respond: Callable[[Request], Response], port: int = 0, host: str = LOOPBACK
) -> Iterator[str]:
    """Serve requests with a function and yield the URL; port 0 picks a free port."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return respond(Request(environ))(environ, start_response)

    server = make_server(host, port, application, threaded=True, request_handler=_Quiet)
    with run_in_thread(server):
        yield f"http://{host}:{server.server_port}"


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
        _shut_down(server)
        server.server_close()
        thread.join()


def _shut_down(server: BaseServer) -> None:
    """Stop a server at once: it notices the end when it gets a connection."""
    stopping = threading.Thread(target=server.shutdown, daemon=True)
    stopping.start()
    while stopping.is_alive():
        with (
            suppress(OSError),
            socket.create_connection(cast("Any", server).server_address[:2], 1),
        ):
            stopping.join(0.02)


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """Log nothing, because a request's path may contain an inbox's secret id."""
