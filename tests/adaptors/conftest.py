"""Servers on loopback that respond as the test sets, and record what they received."""

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
from workbench.local.http_server import run_in_thread


@dataclass(frozen=True, slots=True)
class Received:
    """A received request, and the port its client sent it from."""

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
class StubResponse:
    """A response; a silent one is never sent."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False


class Destination:
    """A server: `respond` sets the response of a path; the others respond `200 {}`."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.reset()

    def reset(self):
        self.received = []
        self.responses = {}
        self.closing = threading.Event()

    def respond(self, path, status=200, content=b"", *, silent=False, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.responses[path] = StubResponse(status, body, named, silent)

    @property
    def only(self):
        (received,) = self.received
        return received


class _Handler(BaseHTTPRequestHandler):
    # werkzeug's server closes every connection; this one keeps them, as real destinations do.
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: otherwise each response waits 40 ms for an ACK

    def _handle(self):
        destination = self.server.destination
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        destination.received.append(
            Received(self.command, path, query, self.headers, body, self.client_address[1])
        )
        response = destination.responses.get(path, StubResponse())
        if response.silent:
            destination.closing.wait()
            self.close_connection = True
            return
        self._send(response)

    def _send(self, response):
        self.send_response(response.status)
        for name, value in {"Content-Length": str(len(response.body)), **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def log_message(self, *_args):
        """Log nothing."""


@contextmanager
def serve_destination():
    """Serve a destination on loopback while the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.destination = Destination(server.server_port)
    server.handle_error = lambda *_: None  # a client may close the connection
    with run_in_thread(server):
        yield server.destination


@contextmanager
def _reset(destination):
    destination.reset()
    try:
        yield destination
    finally:
        destination.closing.set()


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch):
    """Reach the servers directly, whatever proxy the developer's environment sets."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def _servers():
    with serve_destination() as first, serve_destination() as second:
        yield first, second


@pytest.fixture
def destination(_servers):
    """The server that a job's credential leads to."""
    with _reset(_servers[0]) as server:
        yield server


@pytest.fixture
def elsewhere(_servers):
    """A server of another origin."""
    with _reset(_servers[1]) as server:
        yield server


@pytest.fixture
def closed_url():
    """A URL where nothing listens: its port is bound and never opened."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture(scope="session")
def _dhis2():
    with dhis2_server.running() as site:
        yield site


@pytest.fixture
def dhis2(_dhis2):
    """A small DHIS2 without any data."""
    _dhis2.reset()
    return _dhis2


@pytest.fixture
def salesforce():
    """A small Salesforce organization without records."""
    with salesforce_server.running() as organization:
        yield organization
