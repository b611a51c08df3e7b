"""Salesforce lets in: three kinds of credential, sessions that are kept, end and are renewed."""

from __future__ import annotations

import base64
import json
import threading
import warnings

import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors.errors import AdaptorError
from adaptors.salesforce import bulk, create, query, update, upsert
from tests.adaptors.salesforce_server import CLIENT, PASSWORD, SECRET, TOKEN, USER, salesforce
from tests.adaptors.serving import html_page, redirect, status, truncated

CREATE = create("Contact", {"LastName": "Amina"})
QUERY = query("SELECT Id FROM Contact")
WAYS = ["user", "client", "token"]


@pytest.fixture
def there():
    with salesforce() as found:
        yield found


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


# Ways in


@pytest.mark.parametrize("way", WAYS)
def test_each_kind_of_credential_lets_in(there, way):
    state = CREATE(there.state(credential=getattr(there, way)))
    assert state["data"]["success"]
    assert there.requests == ["POST /sobjects/Contact"]


def test_a_password_without_a_security_token_lets_in(there):
    credential = {**there.user, "password": PASSWORD + TOKEN}
    del credential["securityToken"]
    assert CREATE(there.state(credential=credential))["data"]["success"]


def test_the_version_of_the_credential_is_that_of_the_api_and_never_of_the_login(there):
    credential = {**there.user, "apiVersion": 66}
    error_of(QUERY, there.state(credential=credential))
    login, call = [each.path for each in there.served.received]
    assert (login, call) == ("/services/Soap/u/59.0", "/services/data/v66.0/query/")


@pytest.mark.parametrize("version", [59, 59.0, "59", "59.0", "v59.0"], ids=repr)
def test_a_version_may_be_written_in_many_ways(there, version):
    assert QUERY(there.state(credential={**there.user, "apiVersion": version}))


ADDRESS = "https://example.my.salesforce.com"
UNUSABLE = {
    "nothing": ({}, "needs username and password"),
    "half of a user": ({"username": USER}, "needs username and password"),
    "half of an app": ({"client_id": CLIENT}, "client_id and client_secret"),
    "half of a token": ({"access_token": TOKEN}, "access_token and instance_url"),
    "an app anywhere": ({"client_id": CLIENT, "client_secret": SECRET}, "loginUrl is the org"),
    "no https": ({"loginUrl": "http://login.salesforce.com"}, "loginUrl: write an address"),
    "a path": ({"loginUrl": f"{ADDRESS}/services"}, "loginUrl: write an address"),
    "a name": ({"loginUrl": "login.salesforce.com"}, "loginUrl: write an address"),
    "a user in it": ({"loginUrl": "https://a:b@example.org"}, "loginUrl: write an address"),
    "a query": ({"instance_url": f"{ADDRESS}?a"}, "instance_url: write an address"),
    "an old version": ({"apiVersion": "45.0"}, "apiVersion: the oldest version"),
    "no version": ({"apiVersion": "latest"}, "apiVersion: write a version"),
}


@pytest.mark.parametrize(("credential", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_credential_that_leads_nowhere_is_the_authors_mistake(credential, said):
    error = error_of(CREATE, {"configuration": credential})
    assert error.verdict == "author"
    assert said in str(error)
    assert TOKEN not in str(error)
    assert SECRET not in str(error)


# Sessions


def test_there_is_one_login_for_many_runs(there):
    for _ in range(3):
        QUERY(CREATE(there.state()))
    assert there.org.logins == 1


def test_each_credential_has_a_session_of_its_own(there):
    CREATE(there.state())
    CREATE(there.state(credential=there.client))
    CREATE(there.state())
    assert there.org.logins == 2
    used = [each.headers.get("Authorization") for each in there.served.received]
    assert used[1] == used[4] != used[3]


def test_each_thread_has_a_session_of_its_own(there):
    CREATE(there.state())
    thread = threading.Thread(target=CREATE, args=[there.state()])
    thread.start()
    thread.join()
    assert there.org.logins == 2
    assert len(there.org.records["Contact"]) == 2


@pytest.mark.parametrize("way", ["user", "client"])
@pytest.mark.parametrize(
    "operate",
    [CREATE, QUERY, bulk("Contact", "insert", [{"LastName": "Amina"}], poll=0.01)],
    ids=["create", "query", "bulk"],
)
def test_a_session_that_has_expired_is_renewed_and_nothing_is_done_twice(there, way, operate):
    credential = getattr(there, way)
    QUERY(there.state(credential=credential))
    there.org.sessions.clear()
    operate(there.state(credential=credential))
    assert there.org.logins == 2
    assert len(there.org.all("Contact")) == (0 if operate is QUERY else 1)


def test_a_session_that_is_not_known_when_new_is_refused(there):
    QUERY(there.state())
    there.org.log_in = lambda: "00Dxx!a-session-nobody-knows"
    there.org.sessions.clear()
    error = error_of(QUERY, there.state())
    assert error.verdict == "remote"
    assert "does not know the session" in str(error)
    assert there.requests == ["GET /query/"] * 3


def test_a_token_of_somebody_else_that_has_expired_is_refused_and_nobody_logs_in(there):
    credential = there.token
    there.org.sessions.clear()
    error = error_of(CREATE, there.state(credential=credential))
    assert error.verdict == "remote"
    assert "give a credential with an access_token a fresh one" in str(error)
    assert there.org.logins == 1  # the one in `there.token`
    assert there.requests == ["POST /sobjects/Contact"]


# Logins that fail


@pytest.mark.parametrize(
    ("way", "key", "code"),
    [("user", "password", "INVALID_LOGIN"), ("client", "client_secret", "invalid_client")],
)
def test_a_wrong_password_is_refused_and_asked_once(there, way, key, code, capsys):
    credential = {**getattr(there, way), key: "wr0ng-Zm9v"}
    error = error_of(CREATE, there.state(credential=credential))
    assert error.verdict == "remote"
    assert f"does not let the credential in ({code})" in str(error)
    assert len(there.served.received) == 1
    log = capsys.readouterr().out
    assert "nvalid" in log
    assert "wr0ng" not in str(error) + log


SAID = {
    "REQUEST_LIMIT_EXCEEDED": "remote-for-now",
    "SERVER_UNAVAILABLE": "remote-for-now",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "remote",
    "UNSUPPORTED_API_VERSION": "remote",
}


@pytest.mark.parametrize(("code", "verdict"), SAID.items())
def test_a_login_is_judged_by_what_soap_says_though_its_status_is_500(there, code, verdict):
    said = f"<a xmlns:sf='b'><sf:exceptionCode>{code}</sf:exceptionCode></a>"
    there.served.troubles.append(status(500, said.encode()))
    error = error_of(CREATE, there.state())
    assert error.verdict == verdict
    assert code in str(error)


@pytest.mark.parametrize(
    ("code", "verdict"), [("unknown_error", "remote-for-now"), ("invalid_grant", "remote")]
)
def test_a_login_is_judged_by_what_oauth_says(there, code, verdict):
    there.served.troubles.append(status(400, json.dumps({"error": code}).encode()))
    error = error_of(CREATE, there.state(credential=there.client))
    assert error.verdict == verdict
    assert code in str(error)


LOGIN_TROUBLES = {
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
    "a token alone": (status(200, b'{"access_token": "t0ken-Zm9v"}'), "remote"),
    "redirect": (redirect("https://elsewhere.example/login"), "remote"),
}


@pytest.mark.parametrize("way", ["user", "client"])
@pytest.mark.parametrize(("trouble", "verdict"), LOGIN_TROUBLES.values(), ids=LOGIN_TROUBLES)
def test_trouble_at_the_login_has_its_verdict_and_is_not_kept(there, way, trouble, verdict, capsys):
    there.served.troubles.append(trouble)
    state = there.state(credential=getattr(there, way))
    error = error_of(CREATE, state)
    assert error.verdict == verdict
    assert "t0ken" not in str(error) + capsys.readouterr().out
    assert len(there.served.received) == 1  # a redirected login is not followed
    assert CREATE(state)["data"]["success"]


def test_a_silent_login_has_an_end(there):
    there.served.troubles.append(there.served.silent)
    error = error_of(create("Contact", {"LastName": "Amina"}, timeout=0.1), there.state())
    assert error.verdict == "remote-for-now"
    assert str(error).endswith("/services/Soap/u/59.0: no response in time.")


# Secrets


@pytest.mark.parametrize("way", WAYS)
def test_a_dry_run_shows_what_it_would_send_and_sends_nothing_not_even_a_login(there, way):
    credential = getattr(there, way)
    logins = there.org.logins
    with dry_run() as seen:
        state = there.state(credential=credential)
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
    assert there.served.received == []
    assert there.org.logins == logins
    shown = [f"{each.method} {each.url.removeprefix(there.served.url)}" for each in seen]
    data, job = "/services/data/v59.0", "/services/async/59.0/job"
    assert shown[:7] == [
        f"POST {data}/sobjects/Contact",
        f"POST {data}/composite/sobjects",
        f"POST {data}/composite/sobjects",
        f"PATCH {data}/sobjects/Contact/MRN__c/7",
        f"PATCH {data}/sobjects/Contact/003000000000001AAA",
        f"GET {data}/query/?q=SELECT+Id+FROM+Contact",
        f"POST {job}",
    ]
    assert len(state["data"]["completed"]) == 10_001
    assert seen[0].body == b'{"LastName": "Amina"}'
    told = json.dumps([each.as_dict() for each in seen])
    assert not [secret for secret in secrets(credential, there) if secret in told]


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_in_states_logs_errors_and_warnings(there, way, capfd, caplog):
    credential = getattr(there, way)
    state = there.state(credential=credential)
    told = []
    with caplog.at_level(0), warnings.catch_warnings(record=True) as warned:
        for operate in (CREATE, QUERY):
            state = {**operate(state), "configuration": credential}
        told.append(str(error_of(create("Contact", {}), state)))
        there.org.sessions.clear()
        if way == "token":
            told.append(str(error_of(CREATE, state)))
    del state["configuration"]
    told += [json.dumps(state), *capfd.readouterr(), caplog.text, *map(str, warned)]
    found = secrets(credential, there)
    assert len(found) > 1
    assert not [secret for secret in found if secret in "".join(told)]


def secrets(credential, there):
    plain = [PASSWORD, TOKEN, SECRET, *there.org.sessions, credential.get("access_token", TOKEN)]
    pairs = [f"{USER}:{PASSWORD}", f"{USER}:{PASSWORD}{TOKEN}", f"{CLIENT}:{SECRET}"]
    return [*plain, *(base64.b64encode(pair.encode()).decode() for pair in pairs)]
