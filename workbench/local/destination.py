"""A real HTTP destination on loopback, which keeps and shows what it receives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Request, Response

from workbench.local import http_server


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

    def answer(request: Request) -> Response:
        authorization = request.headers.get("Authorization")
        received = Received(request.method, request.path, authorization, request.get_data())
        content = json.dumps({"id": destination.keep(received)})
        if told:
            told(received)
        return Response(content, HTTPStatus.CREATED, content_type="application/json")

    with http_server.serving(answer) as url:
        destination.url = url
        yield destination
