"""A real HTTP destination on loopback, which keeps and shows what it receives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    authorization: str | None
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Destination:
    """The running server's address and what it received so far, in order."""

    url: str
    received: list[Received] = field(default_factory=list)
    _new: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, received: Received) -> int:
        """Keep a request; give how many there are now."""
        with self._new:
            self.received.append(received)
            self._new.notify_all()
            return len(self.received)

    def wait_for(self, count: int, seconds: float = 15.0) -> bool:
        """Wait until so many requests have come; `False` when they did not in time."""
        with self._new:
            return self._new.wait_for(lambda: len(self.received) >= count, timeout=seconds)


@contextmanager
def running(told: Callable[[Received], None] | None = None) -> Iterator[Destination]:
    """Run a destination on a free port; it answers `201 {"id": n}` to whatever comes."""
    destination = Destination("")

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        received = Received(
            request.method, request.path, request.headers.get("Authorization"), request.get_data()
        )
        content = json.dumps({"id": destination.keep(received)})
        if told:
            told(received)
        answer = Response(content, HTTPStatus.CREATED, content_type="application/json")
        return answer(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    destination.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="destination", daemon=True)
    thread.start()
    try:
        yield destination
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """Log nothing: `told` is told."""
