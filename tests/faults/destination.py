"""A destination that accepts requests, except those of some jobs while it is down."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

from werkzeug.wrappers import Response

from workbench.local import http_server


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was accepted: its path and the bytes of its body."""

    path: str
    body: bytes


class Destination:
    """Records the requests that it accepts; refuses those of the jobs in `down_for`."""

    def __init__(self):
        self.url, self.received = "", []
        self.down_for = frozenset()

    @contextmanager
    def running(self):
        with http_server.serve(self._respond) as self.url:
            yield self

    def _respond(self, request):
        if request.path.split("/")[1] in self.down_for:
            return Response("{}", 503, content_type="application/json")
        self.received.append(Received(request.path, request.get_data()))
        return Response("{}", 201, content_type="application/json")
