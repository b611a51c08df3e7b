"""An HTTP destination that answers with the statuses that a test sets."""

from __future__ import annotations

import json
from contextlib import contextmanager

from werkzeug.wrappers import Response

from workbench.local import http_server


class FakeDestination:
    """Answers each path with its `statuses` in order, then with `default_status`."""

    def __init__(self):
        self.url = ""
        self.statuses, self.default_status, self.headers = {}, 200, {}
        self.received = []

    @property
    def paths(self):
        return [path for path, _ in self.received]

    @contextmanager
    def running(self):
        with http_server.serve(self._respond) as self.url:
            yield self

    def _respond(self, request):
        body = json.loads(request.get_data())
        self.received.append((request.path, body))
        statuses = self.statuses.get(request.path)
        status = statuses.pop(0) if statuses else self.default_status
        content = json.dumps({"path": request.path, **body})
        return Response(content, status, self.headers, content_type="application/json")
