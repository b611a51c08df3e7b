"""No response can take forever or be too large, whatever a destination does."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
import time_machine

from adaptors._http.client import Client, send
from adaptors._http.request import Request
from adaptors._http.response import raise_for_status
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from adaptors.http import get, post, put

LONG = 10.0
"""Seconds that none of these tests may take."""


class Raw:
    """A server that sends the `pieces` of a response one after the other."""

    def __init__(self, listening):
        self.listening, self.pieces, self.wait, self.reads = listening, [], 0.0, True
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def serve(self):
        while not self.over.is_set():
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection:
                self._respond(connection)

    def _respond(self, connection):
        if not self.reads:
            self.over.wait(LONG)
            return
        connection.recv(65536)
        try:
            for piece in self.pieces:
                connection.sendall(piece)
                self.over.wait(self.wait)
        except OSError:
            return  # the client has hung up


@pytest.fixture
def raw():
    with _listening() as listening:
        server = Raw(listening)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        server.over.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def _listening():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def error_of(operate, url):
    start = time.monotonic()
    with pytest.raises(AdaptorError) as caught:
        operate({"configuration": {"baseUrl": url}, "data": None})
    assert time.monotonic() - start < LONG
    return caught.value


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
DRIPS = {
    "body": [HEAD + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 1000],
    "body without a length": [HEAD + b"\r\n", *[b"x"] * 1000],
    "chunks": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 1000],
    "status": [bytes([byte]) for byte in HEAD * 100],
    "header": [HEAD, *[b"X-More: 1\r\n"] * 90, *[b"x"] * 1000],
    "nothing": [],
}


@pytest.mark.parametrize("pieces", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("call", [get, post], ids=["GET", "POST"])
def test_slow_response_is_cut_off_at_the_deadline(raw, pieces, call):
    raw.pieces, raw.wait = pieces or [b""], 0.01 if pieces else LONG
    error = error_of(call("things", timeout=0.15), raw.url)
    assert isinstance(error, RemoteUnavailable)
    assert str(error).endswith(f"{raw.url}/things: no response in time.")


def test_server_that_reads_nothing_times_out(raw):
    raw.reads = False
    error = error_of(post("things", content=b"x" * 20_000_000, timeout=0.15), raw.url)
    assert isinstance(error, RemoteUnavailable)
    assert str(error) == f"POST {raw.url}/things: no response in time."


def test_server_that_accepts_no_connection_times_out():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(3):  # the queue is full, and nothing accepts them
            client = waiting.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        error = error_of(get("things", timeout=0.15), url)
    assert isinstance(error, RemoteUnavailable)
    assert str(error) == f"GET {url}/things: no response in time."


def test_timeout_covers_all_redirects(destination):
    destination.respond("/a", 302, Location="/b")
    destination.respond("/b", silent=True)
    error = error_of(get("a", timeout=0.1), destination.url)
    assert str(error) == f"GET {destination.url}/a: no response in time."


def test_request_after_a_timeout_succeeds(destination):
    destination.respond("/never", silent=True)
    error_of(get("never", timeout=0.05), destination.url)
    state = {"configuration": {"baseUrl": destination.url}}
    assert get("things")(state)["response"]["status"] == 200


def test_short_timeout_does_not_affect_the_next_request(destination):
    state = {"configuration": {"baseUrl": destination.url}}
    post("things", 1, timeout=0.05)(state)
    time.sleep(0.06)  # the first timeout is over
    put("things", content=b"x" * 5_000_000)(state)
    assert len(destination.received[1].body) == 5_000_000
    assert len({received.client_port for received in destination.received}) == 1


def test_longest_allowed_response_is_accepted_and_a_longer_one_refused(destination):
    state = {"configuration": {"baseUrl": destination.url}}
    destination.respond("/things", 200, b"x" * 1000)
    assert get("things", max_bytes=1000)(state)["data"] == "x" * 1000
    error = error_of(get("things", max_bytes=999), destination.url)
    assert isinstance(error, RemoteRefused)
    assert str(error).startswith(
        f"GET {destination.url}/things: the response has more than 999 bytes"
    )


def test_too_long_response_of_unknown_length_is_refused(raw):
    raw.pieces = [HEAD + b"\r\n", *[b"x" * 65536] * 1000]
    error = error_of(get("things", max_bytes=100_000), raw.url)
    assert "the response has more than 100,000 bytes" in str(error)


def test_response_that_decompresses_to_too_much_is_refused(destination):
    packed = gzip.compress(b"0" * 50_000_000)
    destination.respond("/things", 200, packed, Content_Encoding="gzip")
    error = error_of(get("things", max_bytes=1_000_000), destination.url)
    assert "the response has more than 1,000,000 bytes" in str(error)


@pytest.mark.parametrize("failure", ["long", "a ring", "nowhere", "silent", "refused"])
def test_secret_url_is_in_no_error(destination, failure):
    call = Request("GET", "s3cr3t", timeout=0.1, display_url="the login", max_bytes=10)
    destination.respond("/s3cr3t", 200, b"x" * 20)
    if failure == "a ring":
        destination.respond("/s3cr3t", 302, Location="/s3cr3t")
    elif failure == "nowhere":
        destination.respond("/s3cr3t", 302, Location="ftp://x")
    elif failure == "silent":
        destination.respond("/s3cr3t", silent=True)
    elif failure == "refused":
        destination.respond("/s3cr3t", 404)
    with pytest.raises(AdaptorError) as caught:
        raise_for_status(send(Client(destination.url), call))
    assert "GET the login" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_request_after_a_too_long_response_succeeds(destination):
    destination.respond("/things", 200, b"x" * 1_000_000)
    error_of(get("things", max_bytes=10), destination.url)
    state = {"configuration": {"baseUrl": destination.url}}
    assert get("other")(state)["data"] == {}


def test_idle_connection_is_not_reused(destination):
    state = {"configuration": {"baseUrl": destination.url}}
    with time_machine.travel(0, tick=False) as clock:
        for seconds in (0, 50, 50, 61):
            clock.shift(timedelta(seconds=seconds))
            get("things")(state)
    first, second, third, fourth = (received.client_port for received in destination.received)
    assert first == second == third != fourth
