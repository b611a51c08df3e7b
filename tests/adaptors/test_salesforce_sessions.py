"""Logins to Salesforce: three methods, and sessions that are reused and renewed."""

from __future__ import annotations

import base64
import json
import threading
import warnings

import pytest

from adaptors._runtime import token_store
from adaptors._runtime.dry_run import dry_run
from adaptors.salesforce import bulk, create, query, update, upsert
from tests.adaptors.salesforce_server import CLIENT, PASSWORD, SECRET, TOKEN, USER
from tests.support.errors import error_of
from tests.support.wsgi_server import html_page, redirect, status, truncated

CREATE = create("Contact", {"LastName": "Amina"})
QUERY = query("SELECT Id FROM Contact")
LOGIN_METHODS = ["user", "client", "service", "token"]


# Login methods


def test_refused_assertion_names_the_keys_and_no_secret(salesforce):
    credential = {**salesforce.service, "username": "another@x.org"}
    error = error_of(QUERY, salesforce.state(credential=credential))
    assert "Check loginUrl, client_id, username and private_key" in str(error)
    assert "(invalid_grant)" in str(error)
    assert "PRIVATE" not in str(error)


def test_token_of_a_session_is_reported_to_be_masked(salesforce):
    for _ in range(2):  # also in a run that reuses the session
        secrets = []
        with token_store.use(lambda _: {}, secrets.append):
            QUERY(QUERY(salesforce.state()))
        used = salesforce.received[-1].headers["Authorization"].removeprefix("Bearer ")
        assert secrets == [used]


@pytest.mark.parametrize("method", LOGIN_METHODS)
def test_every_login_method_works(salesforce, method):
    state = CREATE(salesforce.state(credential=getattr(salesforce, method)))
    assert state["data"]["success"]
    assert salesforce.requests == ["POST /sobjects/Contact"]


def test_a_password_may_include_the_security_token(salesforce):
    credential = {**salesforce.user, "password": PASSWORD + TOKEN}
    del credential["securityToken"]
    assert CREATE(salesforce.state(credential=credential))["data"]["success"]


def test_the_api_version_does_not_change_the_login_version(salesforce):
    credential = {**salesforce.user, "apiVersion": 66}
    error_of(QUERY, salesforce.state(credential=credential))
    login, request = [request.path for request in salesforce.received]
    assert (login, request) == ("/services/Soap/u/59.0", "/services/data/v66.0/query/")


@pytest.mark.parametrize("version", [59, 59.0, "59", "59.0", "v59.0"], ids=repr)
def test_an_api_version_has_several_spellings(salesforce, version):
    assert QUERY(salesforce.state(credential={**salesforce.user, "apiVersion": version}))


BASE_URL = "https://example.my.salesforce.com"
INVALID_CREDENTIALS = {
    "nothing": ({}, "needs username and password"),
    "half of a user": ({"username": USER}, "needs username and password"),
    "half of an app": ({"client_id": CLIENT}, "client_id and client_secret"),
    "half of a token": ({"access_token": TOKEN}, "access_token and instance_url"),
    "an app anywhere": ({"client_id": CLIENT, "client_secret": SECRET}, "loginUrl must be the org"),
    "no https": ({"loginUrl": "http://login.salesforce.com"}, "loginUrl: write a URL"),
    "a path": ({"loginUrl": f"{BASE_URL}/services"}, "loginUrl: write a URL"),
    "a name": ({"loginUrl": "login.salesforce.com"}, "loginUrl: write a URL"),
    "a user in it": ({"loginUrl": "https://a:b@example.org"}, "loginUrl: write a URL"),
    "a query": ({"instance_url": f"{BASE_URL}?a"}, "instance_url: write a URL"),
    "an old version": ({"apiVersion": "45.0"}, "apiVersion: the oldest supported version"),
    "no version": ({"apiVersion": "latest"}, "apiVersion: write a version"),
}


@pytest.mark.parametrize(
    ("credential", "message"), INVALID_CREDENTIALS.values(), ids=INVALID_CREDENTIALS
)
def test_an_invalid_credential_is_an_author_error(credential, message):
    error = error_of(CREATE, {"configuration": credential})
    assert error.verdict == "author"
    assert message in str(error)
    assert TOKEN not in str(error)
    assert SECRET not in str(error)


# Sessions


def test_many_runs_share_one_login(salesforce):
    for _ in range(3):
        QUERY(CREATE(salesforce.state()))
    assert salesforce.org.logins == 1


def test_each_credential_has_its_own_session(salesforce):
    CREATE(salesforce.state())
    CREATE(salesforce.state(credential=salesforce.client))
    CREATE(salesforce.state())
    assert salesforce.org.logins == 2
    tokens = [request.headers.get("Authorization") for request in salesforce.received]
    assert tokens[1] == tokens[4] != tokens[3]


def test_each_thread_has_its_own_session(salesforce):
    CREATE(salesforce.state())
    thread = threading.Thread(target=CREATE, args=[salesforce.state()])
    thread.start()
    thread.join()
    assert salesforce.org.logins == 2
    assert len(salesforce.org.records["Contact"]) == 2


@pytest.mark.parametrize("method", ["user", "client"])
@pytest.mark.parametrize(
    "operate",
    [CREATE, QUERY, bulk("Contact", "insert", [{"LastName": "Amina"}], poll=0.01)],
    ids=["create", "query", "bulk"],
)
def test_an_expired_session_is_renewed_and_nothing_is_written_twice(salesforce, method, operate):
    credential = getattr(salesforce, method)
    QUERY(salesforce.state(credential=credential))
    salesforce.org.sessions.clear()
    operate(salesforce.state(credential=credential))
    assert salesforce.org.logins == 2
    assert len(salesforce.org.all("Contact")) == (0 if operate is QUERY else 1)


def test_a_new_session_that_is_invalid_is_refused(salesforce):
    QUERY(salesforce.state())
    salesforce.org.log_in = lambda: "00Dxx!an-unknown-session"
    salesforce.org.sessions.clear()
    error = error_of(QUERY, salesforce.state())
    assert error.verdict == "remote"
    assert "the session is invalid or has expired" in str(error)
    assert salesforce.requests == ["GET /query/"] * 3


def test_an_expired_access_token_is_refused_without_a_login(salesforce):
    credential = salesforce.token
    salesforce.org.sessions.clear()
    error = error_of(CREATE, salesforce.state(credential=credential))
    assert error.verdict == "remote"
    assert "access_token, replace it with a new one" in str(error)
    assert salesforce.org.logins == 1  # the one in `salesforce.token`
    assert salesforce.requests == ["POST /sobjects/Contact"]


# Failed logins


@pytest.mark.parametrize(
    ("method", "key", "code"),
    [("user", "password", "INVALID_LOGIN"), ("client", "client_secret", "invalid_client")],
)
def test_a_wrong_password_is_refused_after_one_attempt(salesforce, method, key, code, capsys):
    credential = {**getattr(salesforce, method), key: "wr0ng-Zm9v"}
    error = error_of(CREATE, salesforce.state(credential=credential))
    assert error.verdict == "remote"
    assert f"Salesforce refused the login ({code})" in str(error)
    assert len(salesforce.received) == 1
    log = capsys.readouterr().out
    assert "nvalid" in log
    assert "wr0ng" not in str(error) + log


SOAP_CODES = {
    "REQUEST_LIMIT_EXCEEDED": "remote-for-now",
    "SERVER_UNAVAILABLE": "remote-for-now",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "remote",
    "UNSUPPORTED_API_VERSION": "remote",
}


@pytest.mark.parametrize(("code", "verdict"), SOAP_CODES.items())
def test_the_code_of_a_soap_fault_decides_the_verdict_of_a_login(salesforce, code, verdict):
    fault = f"<a xmlns:sf='b'><sf:exceptionCode>{code}</sf:exceptionCode></a>"
    salesforce.respond_with(status(500, fault.encode()))
    error = error_of(CREATE, salesforce.state())
    assert error.verdict == verdict
    assert code in str(error)


@pytest.mark.parametrize(
    ("code", "verdict"), [("unknown_error", "remote-for-now"), ("invalid_grant", "remote")]
)
def test_the_code_of_an_oauth_error_decides_the_verdict_of_a_login(salesforce, code, verdict):
    salesforce.respond_with(status(400, json.dumps({"error": code}).encode()))
    error = error_of(CREATE, salesforce.state(credential=salesforce.client))
    assert error.verdict == verdict
    assert code in str(error)


LOGIN_FAILURES = {
    "429": (status(429, b"", Retry_After="7"), "remote-for-now"),
    "500": (status(500, b"<html>"), "remote-for-now"),
    "503": (status(503, b"<html>"), "remote-for-now"),
    "truncated": (truncated, "remote-for-now"),
    "400": (status(400, b"?"), "remote"),
    "404": (status(404, b"<html>"), "remote"),
    "page": (html_page, "remote"),
    "nothing": (status(200), "remote"),
    "xml": (status(200, b"<a/>"), "remote"),
    "json": (status(200, b"[1]"), "remote"),
    "token without instance": (status(200, b'{"access_token": "t0ken-Zm9v"}'), "remote"),
    "redirect": (redirect("https://elsewhere.example/login"), "remote"),
}


@pytest.mark.parametrize("method", ["user", "client"])
@pytest.mark.parametrize(("failure", "verdict"), LOGIN_FAILURES.values(), ids=LOGIN_FAILURES)
def test_a_failed_login_has_a_verdict_and_can_be_repeated(
    salesforce, method, failure, verdict, capsys
):
    salesforce.respond_with(failure)
    state = salesforce.state(credential=getattr(salesforce, method))
    error = error_of(CREATE, state)
    assert error.verdict == verdict
    assert "t0ken" not in str(error) + capsys.readouterr().out
    assert len(salesforce.received) == 1  # a redirected login is not followed
    assert CREATE(state)["data"]["success"]


def test_a_silent_login_is_retryable_after_the_timeout(salesforce):
    salesforce.respond_with(salesforce.silent)
    error = error_of(create("Contact", {"LastName": "Amina"}, timeout=0.1), salesforce.state())
    assert error.verdict == "remote-for-now"
    assert str(error).endswith("/services/Soap/u/59.0: no response in time.")


# Secrets


@pytest.mark.parametrize("method", LOGIN_METHODS)
def test_a_dry_run_records_requests_and_sends_nothing_not_even_a_login(salesforce, method):
    credential = getattr(salesforce, method)
    logins = salesforce.org.logins
    with dry_run() as recorded:
        state = salesforce.state(credential=credential)
        for operate in (
            CREATE,
            create("Contact", [{"LastName": "Amina"}] * 201),
            upsert("Contact", "MRN__c", {"MRN__c": "7"}),
            update("Contact", {"Id": "003000000000001AAA", "Title": "Nurse"}),
            QUERY,
            bulk("Contact", "insert", [{"LastName": "Amina"}] * 10_001),
        ):
            state = operate(state)
            assert state["data"].get("success", True)
    assert salesforce.received == []
    assert salesforce.org.logins == logins
    requests = [
        f"{request.method} {request.url.removeprefix(salesforce.url)}" for request in recorded
    ]
    data, job = "/services/data/v59.0", "/services/async/59.0/job"
    assert requests[:7] == [
        f"POST {data}/sobjects/Contact",
        f"POST {data}/composite/sobjects",
        f"POST {data}/composite/sobjects",
        f"PATCH {data}/sobjects/Contact/MRN__c/7",
        f"PATCH {data}/sobjects/Contact/003000000000001AAA",
        f"GET {data}/query/?q=SELECT+Id+FROM+Contact",
        f"POST {job}",
    ]
    assert len(state["data"]["completed"]) == 10_001
    assert recorded[0].body == b'{"LastName": "Amina"}'
    text = json.dumps([request.as_dict() for request in recorded])
    assert not [secret for secret in secrets(credential, salesforce) if secret in text]


@pytest.mark.parametrize("method", LOGIN_METHODS)
def test_states_logs_errors_and_warnings_contain_no_secret(salesforce, method, capfd, caplog):
    credential = getattr(salesforce, method)
    state = salesforce.state(credential=credential)
    texts = []
    with caplog.at_level(0), warnings.catch_warnings(record=True) as caught:
        for operate in (CREATE, QUERY):
            state = {**operate(state), "configuration": credential}
        texts.append(str(error_of(create("Contact", {}), state)))
        salesforce.org.sessions.clear()
        if method == "token":
            texts.append(str(error_of(CREATE, state)))
    del state["configuration"]
    texts += [json.dumps(state), *capfd.readouterr(), caplog.text, *map(str, caught)]
    hidden = secrets(credential, salesforce)
    assert len(hidden) > 1
    assert not [secret for secret in hidden if secret in "".join(texts)]


def secrets(credential, salesforce):
    plain = [
        PASSWORD,
        TOKEN,
        SECRET,
        *salesforce.org.sessions,
        credential.get("access_token", TOKEN),
    ]
    pairs = [f"{USER}:{PASSWORD}", f"{USER}:{PASSWORD}{TOKEN}", f"{CLIENT}:{SECRET}"]
    return [*plain, *(base64.b64encode(pair.encode()).decode() for pair in pairs)]
