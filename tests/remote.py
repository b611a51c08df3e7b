"""A destination whose answers a test decides."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from workbench.local import http_server


class Remote:
    """Answers each path with the statuses it is told to, then with `otherwise`."""

    def __init__(self):
        self.answers, self.received, self.headers, self.otherwise = {}, [], {}, 200
        remote = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                remote.received.append((self.path, body))
                waiting = remote.answers.get(self.path, [])
                self.send_response(waiting.pop(0) if waiting else remote.otherwise)
                for name, value in remote.headers.items():
                    self.send_header(name, value)
                answer = json.dumps({"path": self.path, **body}).encode()
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def paths(self):
        return [path for path, _ in self.received]

    @contextmanager
    def running(self):
        with http_server.working(self.server):
            yield self
