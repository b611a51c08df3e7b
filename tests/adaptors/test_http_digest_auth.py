"""Digest authentication against Flask-HTTPAuth and a server with all algorithms of RFC 7616."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import ExitStack

import pytest
from flask import Flask, request
from flask_httpauth import HTTPDigestAuth

from adaptors._runtime.dry_run import dry_run
from adaptors.common import each
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.http import delete, get, patch, post, put
from tests.adaptors.digest_server import DigestServer, digest_response
from tests.support.wsgi_server import redirect, serve

SECRET = "p:ä s3cr3t-Zm9v"
CALLS = {
    "GET": get("things", query={"q": "a b&c"}),
    "POST": post("things", {"name": "Amina"}),
    "PUT": put("things", files={"photo": b"\x89PNG"}),
    "PATCH": patch("things", text="é"),
    "DELETE": delete("things"),
}
BODIES = {"POST": b'{"name": "Amina"}', "PATCH": "é".encode()}
ALGORITHMS = ["MD5", "SHA-256", "SHA-512", "SHA-512-256", "MD5-sess", "SHA-256-sess", "sha-256"]
USED = set()
each_call = pytest.mark.parametrize(("method", "call"), CALLS.items(), ids=CALLS)


def state_for(url, username="nurse", password=SECRET):
    credential = {"baseUrl": url, "username": username, "password": password}
    return {"configuration": {**credential, "authType": "digest"}, "data": None}


@pytest.fixture
def digest():
    """Our own digest server: the application, and its running server."""
    app = DigestServer({"nurse": SECRET, "nürse": SECRET, "doctor": "other"})
    with ExitStack() as context:
        server = context.enter_context(serve(app))
        while server.url in USED:  # challenges are remembered by URL
            server = context.enter_context(serve(app))
        USED.add(server.url)
        yield app, server


@pytest.fixture(scope="module")
def flask():
    """Flask-HTTPAuth with its defaults: MD5, and a cookie that identifies its nonce."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "cookies"
    auth = HTTPDigestAuth(realm="health")
    auth.get_password({"nurse": SECRET}.get)

    @app.route("/things", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @auth.login_required
    def show_request():
        return {"user": auth.current_user(), "body": request.get_data().hex()}

    with serve(app) as server:
        yield server


def authorized_requests(server):
    return ["Authorization" in received.headers for received in server.received]


@each_call
def test_flask_authenticates_the_user_and_receives_the_body(flask, method, call):
    answer = call(state_for(flask.url))["data"]
    assert answer["user"] == "nurse"
    if method in BODIES:
        assert bytes.fromhex(answer["body"]) == BODIES[method]


def test_flask_refuses_a_wrong_password(flask):
    with pytest.raises(RemoteRefused, match="answered 401"):
        get("things")(state_for(flask.url, password="wrong"))


def test_flask_challenges_once_and_recognizes_its_cookie(flask):
    before = len(flask.received)
    call = each("names", post("things", {}))
    call(state_for(flask.url, username="nurse") | {"data": {"names": [1, 2, 3]}})
    assert len(flask.received) - before <= 4


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@each_call
def test_every_algorithm_is_supported(digest, algorithm, method, call):
    app, server = digest
    app.offers = ({"algorithm": algorithm, "qop": "auth"},)
    assert call(state_for(server.url))["data"] == {"welcome": True}
    assert authorized_requests(server) == [False, True]
    first, second = (received.get_data() for received in server.received)
    assert first == second == BODIES.get(method, first)


def test_challenge_without_algorithm_and_qop_uses_rfc_2069(digest):
    app, server = digest
    app.offers = ({},)
    assert get("things")(state_for(server.url))["data"] == {"welcome": True}
    assert "cnonce" not in server.received[-1].headers["Authorization"]


def test_server_computes_the_responses_of_rfc_7616():
    params = {
        "realm": "http-auth@example.org",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "uri": "/dir/index.html",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
    }
    proof = [
        digest_response(params | {"algorithm": name}, "GET", "Mufasa", "Circle of Life")
        for name in ("MD5", "SHA-256")
    ]
    assert proof == [
        "8ca523f5e9506fed4657c9700eebdbec",
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    ]


def test_remembered_challenge_saves_a_request(digest):
    _, server = digest
    for number in range(3):
        post("things", number)(state_for(server.url))
    assert authorized_requests(server) == [False, True, True, True]
    counts = [
        received.headers["Authorization"].split("nc=")[1][:8] for received in server.received[1:]
    ]
    assert counts == ["00000001", "00000002", "00000003"]
    assert [json.loads(received.get_data()) for received in server.received] == [0, 0, 1, 2]


def test_stale_nonce_is_replaced_and_the_body_sent_again(digest):
    app, server = digest
    post("things", 1)(state_for(server.url))
    app.expire_nonces()
    assert post("things", 2)(state_for(server.url))["data"] == {"welcome": True}
    assert authorized_requests(server) == [False, True, True, True]
    assert json.loads(server.received[-1].get_data()) == 2


def test_unknown_nonce_is_replaced(digest):
    app, server = digest
    get("things")(state_for(server.url))
    app.nonces.clear()
    assert get("things")(state_for(server.url))["data"] == {"welcome": True}


def test_wrong_password_is_refused_after_two_requests(digest):
    _, server = digest
    with pytest.raises(RemoteRefused, match="answered 401"):
        post("things", {})(state_for(server.url, password="wrong"))
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        ({"algorithm": "MD5", "qop": "auth-int"}, "MD5 with qop=auth-int, which is not supported"),
        ({"algorithm": "SHA3", "qop": "auth"}, "SHA3 with qop=auth, which is not supported"),
    ],
)
def test_unsupported_challenge_is_an_author_error(digest, offer, error):
    app, server = digest
    app.offers = (offer,)
    with pytest.raises(ConfigurationError) as caught:
        post("things", {})(state_for(server.url))
    assert error in str(caught.value)
    assert "It must offer qop=auth with one of SHA-512, SHA-512-256, SHA-256, MD5" in str(
        caught.value
    )
    assert len(server.received) == 1


def test_qop_auth_is_preferred_to_auth_int(digest):
    app, server = digest
    app.offers = ({"algorithm": "SHA-256", "qop": "auth-int, auth"},)
    assert post("things", {})(state_for(server.url))["data"] == {"welcome": True}


@pytest.mark.parametrize("joined", [False, True], ids=["separate headers", "one header"])
def test_strongest_of_several_challenges_is_used(digest, joined):
    app, server = digest
    app.offers = tuple({"algorithm": name, "qop": "auth"} for name in ("MD5", "SHA-256", "SHA3"))
    app.other_challenges = ('Basic realm="a, Digest b"', "Negotiate")
    if joined:
        challenges = app._challenges  # noqa: SLF001 - an application server may join them so

        def in_one(**how):
            text = ", ".join(value for _, value in challenges(**how))
            return [("WWW-Authenticate", text)]

        app._challenges = in_one  # noqa: SLF001 - the same
    assert post("things", {})(state_for(server.url))["data"] == {"welcome": True}
    assert "algorithm=SHA-256" in server.received[-1].headers["Authorization"]


def test_401_without_digest_challenge_is_a_refusal(destination):
    destination.respond("/things", 401, WWW_Authenticate='Basic realm="x"')
    with pytest.raises(RemoteRefused, match="answered 401"):
        get("things")(state_for(destination.url))
    assert len(destination.received) == 1


def test_user_name_may_contain_accents(digest):
    _, server = digest
    assert get("things")(state_for(server.url, username="nürse"))["data"] == {"welcome": True}


def test_users_of_one_server_have_their_own_sessions(digest):
    _, server = digest
    get("things")(state_for(server.url))
    get("things")(state_for(server.url, username="doctor", password="other"))
    get("things")(state_for(server.url))
    names = [
        (received.headers.get("Authorization") or "-").partition('username="')[2][:5]
        for received in server.received
    ]
    assert names == ["", "nurse", "", "docto", "nurse"]


def test_changed_password_starts_a_new_session(digest):
    app, server = digest
    get("things")(state_for(server.url))
    app.users["nurse"] = "changed"
    assert get("things")(state_for(server.url, password="changed"))["data"] == {"welcome": True}


def test_every_thread_has_its_own_session(digest):
    _, server = digest
    get("things")(state_for(server.url))
    thread = threading.Thread(target=get("things"), args=[state_for(server.url)])
    thread.start()
    thread.join()
    assert authorized_requests(server) == [False, True, False, True]


def test_other_origin_receives_no_digest(digest):
    _, server = digest
    with serve(DigestServer({"nurse": SECRET})) as other:
        server.failures.append(redirect(f"{other.url}/things"))
        for call in (get(f"{other.url}/things"), get("moved")):
            with pytest.raises(RemoteRefused, match="answered 401"):
                call(state_for(server.url))
        assert authorized_requests(other) == [False, False]


def test_password_appears_nowhere(digest, capsys):
    app, server = digest
    after = post("things", {})(state_for(server.url))
    with dry_run() as requests:
        post("things", {})(state_for(server.url))
    app.users.clear()
    with pytest.raises(RemoteRefused) as caught:
        post("things", {})(state_for(server.url))
    pair = base64.b64encode(f"nurse:{SECRET}".encode()).decode()
    headers = [str(received.headers) for received in server.received]
    stored = json.dumps({key: after[key] for key in ("data", "response", "references")})
    for text in (stored, repr(requests), str(caught.value), repr(caught.value), *headers):
        assert SECRET not in text
        assert pair not in text
    assert SECRET not in capsys.readouterr().out
    assert requests[0].headers["Authorization"] == "***"
