"""Connections are reused after every response, and go through the environment's proxy."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from contextlib import closing, suppress

import pytest
import trustme
from flask import Flask

from adaptors.errors import AdaptorError, RemoteUnavailable
from adaptors.http import by_url, delete, each_page, get, post, request
from tests.adaptors.conftest import StubResponse
from tests.support.wsgi_server import serve

PROXY_SECRET = "pr0xy-s3cret"
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes().decode()


def state_for(url, **more):
    return {"configuration": {"baseUrl": url, **more}}


@pytest.mark.parametrize(
    ("operate", "script"),
    [
        (delete("things"), StubResponse(204, b"")),
        (request("HEAD", "things"), StubResponse(200, b"")),
        (get("things"), StubResponse(200, b"x" * 200_000)),
        (post("things", {}, accept_statuses=302), StubResponse(302, b"moved", {"Location": "/a"})),
        (post("things", {}, accept_statuses=500), StubResponse(500, b"no")),
    ],
    ids=["204", "HEAD", "large", "302", "500"],
)
def test_connection_is_reused_after_any_response(destination, operate, script):
    destination.responses["/things"] = script
    for _ in range(3):
        operate(state_for(destination.url))
    assert len(destination.received) == 3
    assert len({received.client_port for received in destination.received}) == 1


def test_two_credentials_share_a_connection_and_not_their_headers(destination):
    for token in ("one", "two"):
        get("things")(state_for(destination.url, access_token=token))
    get("things")(state_for(destination.url))
    headers = [received.headers["Authorization"] for received in destination.received]
    assert headers == ["Bearer one", "Bearer two", None]
    assert len({received.client_port for received in destination.received}) == 1


def test_least_recently_used_pool_is_closed(destination, closed_url):
    get("things")(state_for(destination.url))
    for number in range(2, 40):
        with pytest.raises(RemoteUnavailable):
            get("things")(state_for(closed_url.replace("127.0.0.1", f"127.0.0.{number}")))
    get("things")(state_for(destination.url))
    first, second = destination.received
    assert first.client_port != second.client_port


class Proxy:
    """A proxy that forwards `CONNECT` tunnels, and records the head of each request."""

    def __init__(self, listening):
        self.listening, self.heads, self.target = listening, [], None
        self.url = f"http://nurse:{PROXY_SECRET}@127.0.0.1:{listening.getsockname()[1]}"

    def serve(self):
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client):
        with closing(client):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            self.heads.append(head.decode())
            host, port = head.split()[1].decode().split(":")
            with socket.create_connection(self.target or (host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_forward, args=[server, client], daemon=True)
                back.start()
                _forward(client, server)
                back.join()


def _forward(source, target):
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = Proxy(listening)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        yield proxy
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def secure():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1", "registry.example.org").configure_cert(context)
    app = Flask(__name__)
    app.add_url_rule("/things", view_func=lambda: {"welcome": True}, methods=["GET", "POST"])

    @app.route("/pages/<int:number>")
    def pages(number):
        next_url = None if number == 3 else f"http://registry.example.org/pages/{number + 1}"
        return {"number": number, "next": next_url}

    with serve(app, context) as serving:
        yield serving


def test_https_proxy_sees_neither_body_nor_credential(secure, proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    state = state_for(secure.url, tls={"ca": CA}, access_token="t0ken")
    assert post("things", {"name": "Amina"})(state)["data"] == {"welcome": True}
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {secure.url.removeprefix('https://')} ")
    pair = base64.b64encode(f"nurse:{PROXY_SECRET}".encode()).decode()
    assert f"proxy-authorization: basic {pair}".lower() in head.lower()
    assert "t0ken" not in head
    assert "Proxy-Authorization" not in secure.received[-1].headers


def test_http_link_of_an_https_api_is_fetched_by_https(secure, proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    host, port = secure.url.removeprefix("https://").split(":")
    proxy.target = (host, int(port))
    base = "https://registry.example.org/pages"
    secure.received.clear()
    each_page("1", next=by_url("next"))(state_for(base, tls={"ca": CA}, access_token="t0ken"))
    assert [received.path for received in secure.received] == ["/pages/1", "/pages/2", "/pages/3"]
    assert {received.headers["Authorization"] for received in secure.received} == {"Bearer t0ken"}


def test_http_proxy_receives_the_complete_url_without_user(elsewhere, monkeypatch):
    address = elsewhere.url.replace("://", f"://nurse:{PROXY_SECRET}@")
    monkeypatch.setenv("HTTP_PROXY", address)
    state = state_for("http://nobody.invalid", access_token="t0ken")
    post("http://user:pw@nobody.invalid/things?a=1", {"name": "Amina"})(state)
    received = elsewhere.only
    assert (received.path, received.query) == ("http://nobody.invalid/things", "a=1")
    assert received.body == b'{"name": "Amina"}'
    assert received.headers["Authorization"] == "Bearer t0ken"
    assert received.headers["Proxy-Authorization"].startswith("Basic ")


def test_proxy_may_be_set_without_a_scheme(elsewhere, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url.removeprefix("http://"))
    get("things")(state_for("http://nobody.invalid"))
    assert elsewhere.only.path == "http://nobody.invalid/things"


def test_changed_environment_changes_the_proxy(destination, elsewhere, monkeypatch):
    get("things")(state_for(destination.url))
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    get("things")(state_for(destination.url))
    assert (len(destination.received), len(elsewhere.received)) == (1, 1)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_error_does_not_contain_its_password(closed_url, monkeypatch, scheme):
    address = closed_url.replace("://", f"://nurse:{PROXY_SECRET}@")
    monkeypatch.setenv(f"{scheme}_proxy", address)
    with pytest.raises(AdaptorError) as caught:
        get("things")(state_for(f"{scheme}://nobody.invalid"))
    assert isinstance(caught.value, RemoteUnavailable)
    assert PROXY_SECRET not in str(caught.value)


def test_unsupported_proxy_is_an_author_error(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"socks9://nurse:{PROXY_SECRET}@127.0.0.1:1")
    with pytest.raises(AdaptorError) as caught:
        get("things")(state_for("http://nobody.invalid"))
    assert caught.value.verdict == "author"
    assert PROXY_SECRET not in str(caught.value)
