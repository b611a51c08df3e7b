"""A real HTTP destination on loopback that records the requests it receives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from workbench.local import http_server
from workbench.local.stand_in import responses


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it was received."""

    method: str
    path: str
    authorization: str | None
    body: bytes
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Destination:
    """A running server's URL and its received requests, in order."""

    url: str
    received: list[Received] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def record(self, received: Received) -> int:
        """Append a request and return the number received so far."""
        with self._changed:
            self.received.append(received)
            self._changed.notify_all()
            return len(self.received)

    def wait_for(self, count: int, seconds: float = 15.0) -> bool:
        """Wait for a number of requests; return False after a timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.received) >= count, timeout=seconds)


@contextmanager
def run_destination(
    on_received: Callable[[Received], None] = lambda _received: None, adaptor: str = "http"
) -> Iterator[Destination]:
    """Run a destination on a free port that accepts every request as an adaptor's system does.

    It answers requests that the system does not know with `201 {"id": n}`.
    """
    destination = Destination("")

    def respond(request: Request) -> Response:
        authorization = request.headers.get("Authorization")
        received = Received(
            request.method,
            request.path,
            authorization,
            request.get_data(),
            request.query_string.decode("latin-1"),
            dict(request.headers),
        )
        number = destination.record(received)
        on_received(received)
        return responses.respond(adaptor, request, number)

    with http_server.serve(respond) as url:
        destination.url = url
        yield destination
