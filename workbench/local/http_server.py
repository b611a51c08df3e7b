"""A small web application, served on this machine only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

# So often a server looks whether it is to end; its own half second is as long as many a test.
_LOOK_SECONDS = 0.02


@contextmanager
def serving(answer: Callable[[Request], Response], port: int = 0) -> Iterator[str]:
    """Answer each request on a port (0: a free one), in a thread of its own; give the URL."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return answer(Request(environ))(environ, start_response)

    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
    with working(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def working(server: BaseServer) -> Iterator[None]:
    """Let a server serve in a thread of its own for as long as the context lasts."""
    thread = threading.Thread(
        target=server.serve_forever, args=(_LOOK_SECONDS,), name="loopback", daemon=True
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
        """Log nothing: the path of a request may hold an inbox's secret id."""
