"""A destination on loopback that answers as the test scripts it, and shows what it received."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from tests.adaptors import dhis2_server, salesforce_server


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived, and the port its client sent it from."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    client_port: int

    @property
    def pairs(self):
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class Script:
    """An answer; a silent one never comes."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False


class Destination:
    """A server of its own port: `answer` scripts a path, all others are answered `200 {}`."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.begin()

    def begin(self):
        self.received = []
        self.scripts = {}
        self.released = threading.Event()

    def answer(self, path, status=200, content=b"", *, silent=False, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.scripts[path] = Script(status, body, named, silent)

    @property
    def only(self):
        (received,) = self.received
        return received


class _Handler(BaseHTTPRequestHandler):
    # werkzeug's server closes each connection; this one keeps it, as real destinations do.
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: otherwise each answer waits 40 ms for an ACK

    def _answer(self):
        destination = self.server.destination
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        destination.received.append(
            Received(self.command, path, query, self.headers, body, self.client_address[1])
        )
        script = destination.scripts.get(path, Script())
        if script.silent:
            destination.released.wait()
            self.close_connection = True
            return
        self._say(script)

    def _say(self, script):
        self.send_response(script.status)
        for name, value in {"Content-Length": str(len(script.body)), **script.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(script.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_args):
        """Log nothing."""


@contextmanager
def serving():
    """Serve on a port of its own, and keep connections as real destinations do."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.destination = Destination(server.server_port)
        server.handle_error = lambda *_: None  # a client may hang up
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield server.destination
        server.shutdown()
        thread.join()


@contextmanager
def _afresh(destination):
    destination.begin()
    try:
        yield destination
    finally:
        destination.released.set()


@pytest.fixture(autouse=True)
def _direct(monkeypatch):
    """Reach the servers directly, whatever proxy the developer's environment names."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def _servers():
    with serving() as one, serving() as other:
        yield one, other


@pytest.fixture
def destination(_servers):
    """The server that a job's credential leads to."""
    with _afresh(_servers[0]) as fresh:
        yield fresh


@pytest.fixture
def elsewhere(_servers):
    """A server of another origin."""
    with _afresh(_servers[1]) as fresh:
        yield fresh


@pytest.fixture
def closed_url():
    """An address at which nothing listens: its port is taken and never opened."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="session")
def _dhis2():
    with dhis2_server.running() as site:
        yield site


@pytest.fixture
def dhis2(_dhis2):
    """A small DHIS2 that holds nothing yet."""
    _dhis2.reset()
    return _dhis2


@pytest.fixture
def salesforce():
    """A small Salesforce organization without records."""
    with salesforce_server.running() as organization:
        yield organization
