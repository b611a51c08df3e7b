"""OAuth 2: tokens are fetched, kept and renewed, and nothing shows them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import jwt
import pytest
import time_machine

from adaptors._runtime.dry_run import dry_run
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.http import get, post
from tests.adaptors.oauth2_server import JWT_BEARER, KEY, OAuth2Server, pem
from tests.support.errors import error_of
from tests.support.http_state import state_for
from tests.support.wsgi_server import redirect, serve, status

CLIENT = {
    "grant_type": "client_credentials",
    "client_id": "app one",
    "client_secret": "s3cr3t/Zm9v",
}
USER = {"grant_type": "password", "username": "nurse", "password": "s3cr3t-Zm9v"}
SERVICE = {
    "grant_type": "jwt_bearer",
    "issuer": "job@clinic.example.org",
    "private_key": pem("PKCS8"),
}


@pytest.fixture(scope="module")
def served():
    server = OAuth2Server()
    with serve(server) as serving:
        yield server, serving


@pytest.fixture
def oauth(served):
    server, serving = served
    server.__init__()
    serving.received.clear()
    serving.failures.clear()
    return server, serving


def state(serving, request, **keys):
    # Tokens are kept for each credential, so each test has one of its own.
    url = f"{serving.url}/token?test={quote(request.node.name)}"
    return state_for(serving, oauth2={"tokenUrl": url, **(keys or CLIENT)})


@pytest.mark.parametrize("keys", [CLIENT, USER, SERVICE], ids=lambda keys: keys["grant_type"])
def test_one_token_serves_all_requests(oauth, request, keys):
    server, serving = oauth
    if keys is SERVICE:
        keys = {**keys, "audience": f"{serving.url}/token"}
    before = state(serving, request, **keys)
    assert get("things")(before)["data"]["ok"]
    assert post("things", {})(before)["data"]["ok"]
    assert len(server.forms) == 1


def test_client_authenticates_in_the_header_or_in_the_body(oauth, request):
    server, serving = oauth
    server.refusal = ({"error": "invalid_client"}, 401)
    error_of(get("things"), state(serving, request, **CLIENT, scope="a b", audience="api"))
    error_of(get("things"), state(serving, request, **CLIENT, client_auth="body"))
    grant = {"grant_type": "client_credentials"}
    basic = {"basic": ("app one", "s3cr3t/Zm9v"), "raw": "app+one"}  # RFC 6749 encodes both
    body = {"client_id": "app one", "client_secret": "s3cr3t/Zm9v"}
    assert server.forms == [
        {**grant, "scope": "a b", "audience": "api", **basic},
        {**grant, **body},
    ]


@pytest.mark.parametrize("kind", ["PKCS8", "TraditionalOpenSSL", "one line"])
def test_assertion_is_signed_with_each_format_of_a_key(oauth, request, kind):
    server, serving = oauth
    text = pem("PKCS8").replace("\n", "\\n") if kind == "one line" else pem(kind)
    more = {"private_key": text, "private_key_id": "k1", "subject": "amina", "scope": "read"}
    more["audience"] = f"{serving.url}/token"
    assert get("things")(state(serving, request, **{**SERVICE, **more}))["data"]["ok"]
    form = server.forms[0]
    claims = jwt.decode(form["assertion"], KEY.public_key(), ["RS256"], audience=more["audience"])
    assert (form["grant_type"], jwt.get_unverified_header(form["assertion"])["kid"]) == (
        JWT_BEARER,
        "k1",
    )
    assert (claims["iss"], claims["sub"], claims["scope"]) == (SERVICE["issuer"], "amina", "read")
    assert claims["exp"] - claims["iat"] == 180


def test_token_is_renewed_once_before_it_ends(oauth, request):
    server, serving = oauth
    before = state(serving, request)
    with time_machine.travel("2026-03-09T08:00Z", tick=False) as clock:
        get("things")(before)
        clock.shift(timedelta(seconds=3539))
        get("things")(before)
        assert len(server.forms) == 1
        clock.shift(timedelta(seconds=1))
        for _ in range(2):
            get("things")(before)
    assert len(server.forms) == 2
    assert all(request.path != "/things" or request.args == {} for request in serving.received)


def test_token_without_an_end_is_used_until_it_is_refused(oauth, request):
    server, serving = oauth
    server.expires_in = None
    before = state(serving, request)
    with time_machine.travel("2026-03-09T08:00Z", tick=False) as clock:
        get("things")(before)
        clock.shift(timedelta(days=9))
        get("things")(before)
    assert len(server.forms) == 1


def test_refused_token_is_renewed_once_and_the_request_is_sent_again(oauth, request):
    server, serving = oauth
    before = state(serving, request)
    get("things")(before)
    server.valid = set()
    assert post("things", {"name": "Amina"})(before)["data"]["ok"]
    assert len(server.forms) == 2
    assert serving.received[-1].get_json() == {"name": "Amina"}


def test_second_401_is_the_error(oauth, request):
    server, serving = oauth
    before = state(serving, request)
    get("things")(before)
    server.is_refusing = True
    error = error_of(get("things"), before)
    assert isinstance(error, RemoteRefused)
    assert "/things answered 401" in str(error)
    assert len(server.forms) == 2


def test_threads_share_one_token(oauth, request):
    server, serving = oauth
    before = state(serving, request)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: get("things")(before)["data"]["ok"], range(8)))
    assert len(server.forms) == 1


def test_quoted_token_reaches_no_state_log_or_error(oauth, request, capsys):
    server, serving = oauth
    before = state(serving, request)
    after = get("things")(before)
    assert after["data"]["headers"]["Authorization"] == "Bearer ***"
    get("things", headers={"Authorization": "Bearer other"}, accept_statuses=401)(before)
    assert len(server.forms) == 1  # a header of the job is not the credential's token
    server.valid = set()
    server.refusal = ({"error": "invalid_grant", "error_description": "s3cr3t/Zm9v"}, 400)
    error = error_of(get("things"), before)
    text = json.dumps({**after, "configuration": None}) + str(error) + capsys.readouterr().out
    assert "(invalid_grant), so there is no access token. Check tokenUrl" in str(error)
    assert "issued" not in text
    assert "s3cr3t" not in text


def test_error_body_that_quotes_the_token_is_logged_without_it(oauth, request, capsys):
    _, serving = oauth
    before = state(serving, request)
    get("things")(before)
    serving.failures.append(
        lambda req: status(422, f"bad {req.headers['Authorization']}".encode())(req)
    )
    error_of(get("things"), before)
    assert "bad Bearer ***" in capsys.readouterr().out


def test_other_servers_receive_no_token(oauth, request, closed_url):
    server, serving = oauth
    before = state(serving, request)
    before["configuration"]["baseUrl"] = closed_url
    error_of(get(f"{serving.url}/things"), before)
    assert server.forms == []
    assert "Authorization" not in serving.received[-1].headers


@pytest.mark.parametrize(
    ("failure", "kind", "text"),
    [
        (status(503, Retry_After="7"), RemoteUnavailable, "answered 503"),
        (status(200, b'{"token": "issued"}'), RemoteRefused, "without an access_token"),
        (status(200, b"<html>"), RemoteRefused, "without an access_token"),
        (redirect("/elsewhere"), RemoteRefused, "answered 302"),
    ],
    ids=["unavailable", "no token", "web page", "redirect"],
)
def test_failure_of_the_token_server_has_a_verdict(oauth, request, failure, kind, text):
    _, serving = oauth
    serving.failures.append(failure)
    error = error_of(get("things"), state(serving, request))
    assert isinstance(error, kind)
    assert f"POST {serving.url}/token {text}" in str(error) or text in str(error)
    assert len(serving.received) == 1


def test_token_server_that_cannot_be_reached_is_named(oauth, closed_url):
    _, serving = oauth
    keys = {"tokenUrl": f"{closed_url}/token", **CLIENT}
    error = error_of(get("things"), state_for(serving, oauth2=keys))
    assert isinstance(error, RemoteUnavailable)
    assert f"{closed_url}/token" in str(error)


def test_dry_run_fetches_no_token(oauth, request):
    server, serving = oauth
    with dry_run() as requests:
        get("things")(state(serving, request))
    assert server.forms == []
    assert requests[0].headers["Authorization"] == "***"


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"grant_type": "implicit"}, "oauth2.grant_type: Input should be"),
        ({"grant_type": "refresh_token"}, "needs client_id and refresh_token"),
        ({"grant_type": "client_credentials"}, "needs client_id and client_secret"),
        ({**USER, "issuer": "x"}, "issuer needs grant_type jwt_bearer"),
        ({**CLIENT, "tokenUrl": "login.example.org"}, "It must be a URL such as https://"),
        ({**SERVICE, "private_key": "s3cr3t"}, "private_key cannot be read"),
        ({**SERVICE, "private_key": pem("PKCS8")[:200]}, "private_key cannot be read"),
    ],
    ids=["grant", "refresh", "missing", "other grant", "url", "key", "cut key"],
)
def test_invalid_credential_error_names_the_key(oauth, request, keys, text):
    _, serving = oauth
    error = error_of(get("things"), state(serving, request, **keys))
    assert isinstance(error, ConfigurationError)
    assert text in str(error)
    assert "s3cr3t" not in str(error)


def test_second_login_is_refused(oauth, request):
    _, serving = oauth
    before = state(serving, request)
    before["configuration"]["access_token"] = "x"
    assert "oauth2 is a login of its own" in str(error_of(get("things"), before))
