"""A small HTTP server in a background thread, and free ports for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseServer
from typing import Any, cast

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from workbench.errors import CommandError

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


def choose_console_port(inbox_port: int, chosen: int | None) -> int:
    """Return the chosen port, or else the one after the inboxes' port; 0 if that is not free."""
    if chosen is not None:
        require_free("--console-port", chosen, other=inbox_port)
        return chosen
    if not inbox_port:
        return 0
    try:
        require_free("--console-port", inbox_port + 1)
    except CommandError:
        return 0
    return inbox_port + 1


def require_free(option: str, port: int, other: int = 0, host: str = "127.0.0.1") -> None:
    """Raise CommandError if a port cannot be listened on, or is the other one."""
    remedy = f"Choose another port with {option}; `{option} 0` picks a free one."
    if port and port == other:
        raise CommandError(f"Port {port} is used twice. {remedy}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CommandError(f"Port {port} needs administrator rights. {remedy}") from None
        except OSError:
            raise CommandError(f"Port {port} is in use by another program. {remedy}") from None


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
