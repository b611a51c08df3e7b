"""Every kind of credential is accepted by a real server, and sent to no other."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from flask import Flask, request
from flask_httpauth import HTTPBasicAuth, HTTPTokenAuth, MultiAuth

from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.run_context import run_context
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.http import get, post
from tests.support.errors import error_of
from tests.support.http_state import state_for
from tests.support.wsgi_server import serve, status

SECRET = "s3cr3t-Zm9v"
PAIR = base64.b64encode(f"nurse:{SECRET}".encode()).decode()
KINDS = {
    "basic": {"username": "nurse", "password": SECRET},
    "basic by name": {"username": "nurse", "password": SECRET, "authType": "basic"},
    "bearer": {"access_token": SECRET},
    "key in a header": {"apiKey": SECRET, "header": "X-Organisation"},
    "key in the query": {"apiKey": SECRET, "parameter": "appid"},
    "key and basic": {"apiKey": SECRET, "parameter": "appid", "username": "a", "password": SECRET},
}
each_kind = pytest.mark.parametrize("credential", KINDS.values(), ids=KINDS)


@pytest.fixture(scope="module")
def server():
    app, basic = Flask(__name__), HTTPBasicAuth()
    bearer = HTTPTokenAuth("Bearer")
    basic.verify_password(lambda user, password: user if password == SECRET else None)
    bearer.verify_token(lambda token: "token" if token == SECRET else None)
    either = MultiAuth(basic, bearer)

    @app.route("/things", methods=["GET", "POST"])
    def user():
        keys = (request.headers.get("X-Organisation"), request.args.get("appid"))
        return {"user": "key"} if SECRET in keys else known()

    @either.login_required
    def known():
        return {"user": either.current_user()}

    with serve(app) as serving:
        yield serving


@each_kind
@pytest.mark.parametrize("call", [get, post])
def test_server_accepts_every_kind_of_credential(server, call, credential):
    assert call("things")(state_for(server, **credential))["data"]["user"] in {
        "nurse",
        "token",
        "key",
    }


@pytest.mark.parametrize(
    "credential",
    [{}, {"username": "nurse", "password": "wrong"}, {"access_token": "wrong"}],
    ids=str,
)
def test_server_refuses_every_wrong_credential(server, credential):
    error = error_of(post("things", {}), state_for(server, **credential))
    assert isinstance(error, RemoteRefused)
    assert "answered 401" in str(error)


def test_api_key_in_the_query_is_added_to_the_jobs_query(server):
    state = state_for(server, apiKey="a&b=ü", parameter="app id")
    server.failures.append(status(200, b"{}"))
    get("things?x=1", query={"y": "2"})(state)
    assert list(server.received[-1].args.items()) == [("x", "1"), ("y", "2"), ("app id", "a&b=ü")]


def test_header_of_the_job_wins_over_the_credential(server):
    state = state_for(server, apiKey="other", header="X-Organisation")
    assert get("things", headers={"x-organisation": SECRET})(state)["data"] == {"user": "key"}


def test_authorization_header_of_the_job_keeps_the_api_key(server):
    state = state_for(server, apiKey=SECRET, header="X-Organisation")
    assert get("things", headers={"Authorization": "x"})(state)["data"] == {"user": "key"}


@each_kind
def test_successful_request_shows_no_secret(server, credential, capsys):
    after = post("things", {})(state_for(server, **credential))
    text = json.dumps({key: value for key, value in after.items() if key != "configuration"})
    text += capsys.readouterr().out
    assert after["response"]["url"] == f"{server.url}/things"
    assert SECRET not in text
    assert PAIR not in text


@each_kind
@pytest.mark.parametrize("code", [302, 401, 404, 429, 503])
def test_errors_contain_no_secret(server, credential, code, capsys):
    server.failures.append(status(code, b"no", Location="/other"))
    error = error_of(post("things", {}), state_for(server, **credential))
    text = str(error) + repr(error.args) + capsys.readouterr().out
    assert SECRET not in text
    assert PAIR not in text


@each_kind
def test_connection_errors_contain_no_secret(closed_url, credential):
    error = error_of(get("things"), {"configuration": {"baseUrl": closed_url, **credential}})
    assert SECRET not in str(error)


@each_kind
def test_dry_run_masks_the_credential(server, credential):
    before = len(server.received)
    with dry_run() as requests:
        get("things", query={"page": "2", "keyword": "flu"})(state_for(server, **credential))
    assert len(server.received) == before
    assert "***" in repr(requests)
    assert SECRET not in repr(requests)
    assert PAIR not in repr(requests)
    assert requests[0].url.startswith(f"{server.url}/things?page=2&keyword=flu")


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "apikey", "key", "signature", "password", "pwd", "passphrase"],
)
def test_dry_run_masks_parameters_with_secret_names(server, name):
    with dry_run() as requests:
        get("things", query={name: SECRET, "page": 2})(state_for(server))
    assert requests[0].url == f"{server.url}/things?{name}=***&page=2"


@pytest.mark.parametrize(
    ("credential", "text"),
    [
        ({"username": "nurse"}, "The credential needs both username and password"),
        ({"authType": "digest"}, "authType digest needs username and password"),
        ({"authType": "ntlm"}, "authType: Input should be 'basic' or 'digest'"),
        ({"apiKey": SECRET}, "apiKey needs the name of a header or of a parameter"),
        ({"apiKey": SECRET, "header": "a", "parameter": "b"}, "apiKey needs the name"),
        ({"password": [SECRET], "username": "a"}, "password: Input should be a valid string"),
        ({"apiKey": SECRET, "header": "X Key:"}, "header: String should match pattern"),
        ({"apiKey": f"{SECRET}\n", "header": "X-Key"}, "cannot be sent"),
    ],
)
def test_invalid_credential_error_names_the_key_and_no_secret(server, credential, text):
    error = error_of(get("things"), state_for(server, **credential))
    assert isinstance(error, ConfigurationError)
    assert text in str(error)
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("credential", "text"),
    [
        ({"acess_token": SECRET}, "There is no key acess_token. Did you mean access_token?"),
        ({"accessToken": SECRET}, "There is no key accessToken. Did you mean access_token?"),
        ({"token": SECRET}, "There is no key token. Did you mean access_token?"),
        ({"clientSecret": SECRET}, "There is no key clientSecret."),
        ({"tls": {"cart": "-----BEGIN"}}, "There is no key tls.cart. Did you mean tls.cert?"),
    ],
    ids=["misspelled", "camel case", "synonym", "name of a secret", "nested"],
)
def test_unknown_key_is_refused_before_anything_is_sent(server, credential, text):
    before = len(server.received)
    error = error_of(get("things"), state_for(server, **credential))
    assert isinstance(error, ConfigurationError)
    assert text in str(error)
    assert SECRET not in str(error)
    assert len(server.received) == before


@pytest.mark.parametrize(
    "keys",
    [
        {"values": {"ward": "north"}},
        {"ward": "north", "token": SECRET},
        {"token_type": "Bearer", "scope": "api", "expires_at": 1},
    ],
    ids=["values", "beside a login", "of OpenFn"],
)
def test_other_keys_without_which_nothing_is_missing_are_no_error(server, keys):
    state = state_for(server, username="nurse", password=SECRET, **keys)
    assert get("things")(state)["data"] == {"user": "nurse"}


def test_key_that_the_job_or_another_adaptor_reads_is_no_error(server, tmp_path):
    (tmp_path / "job.py").write_text('token = lambda state: state["configuration"]["token"]')
    state = state_for(server, token=SECRET)
    for keys in ({"adaptor": "http", "folder": tmp_path}, {"adaptor": "dhis2"}):
        with run_context("run", datetime.now(UTC), **keys):
            assert isinstance(error_of(get("things"), state), RemoteRefused)  # it was sent
