"""Which redirects a GET follows, and which headers it sends along."""

from __future__ import annotations

import pytest

from adaptors.errors import RemoteRefused
from adaptors.http import get, post, request
from tests.adaptors.conftest import StubResponse
from tests.support.errors import error_of
from tests.support.http_state import state_for

SECRET = "s3cr3t-Zm9v"
KINDS = {
    "basic": {"username": "nurse", "password": SECRET},
    "bearer": {"access_token": SECRET},
    "header": {"apiKey": SECRET, "header": "X-Organisation"},
    "parameter": {"apiKey": SECRET, "parameter": "appid"},
}
each_kind = pytest.mark.parametrize("credential", KINDS.values(), ids=KINDS)


def request_text(received):
    return f"{received.path}?{received.query} {received.headers}"


@each_kind
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_kind_of_credential_is_redirected_to_another_origin(
    destination, elsewhere, credential, status
):
    destination.respond("/moved", status, Location=f"{elsewhere.url}/there")
    get("moved")(state_for(destination, **credential))
    assert SECRET in request_text(destination.only) or "Basic " in request_text(destination.only)
    assert SECRET not in request_text(elsewhere.only)
    assert elsewhere.only.headers["Authorization"] is None


@pytest.mark.parametrize(
    "name",
    ["Authorization", "X-Api-Key", "Cookie", "X-Auth-Token", "Ocp-Apim-Subscription-Key", "X-Org"],
)
def test_no_secret_header_is_redirected_to_another_origin(destination, elsewhere, name):
    destination.respond("/moved", 302, Location=f"{elsewhere.url}/there")
    harmless = {
        "Accept": "text/csv",
        "Accept-Language": "fr",
        "If-None-Match": "7",
        "Range": "bytes=0-",
    }
    get("moved", headers={name: SECRET, **harmless})(state_for(destination))
    assert destination.only.headers[name] == SECRET
    assert elsewhere.only.headers[name] is None
    assert {name: elsewhere.only.headers[name] for name in harmless} == harmless


@each_kind
def test_redirect_back_from_another_origin_receives_no_credential(
    destination, elsewhere, credential
):
    destination.respond("/moved", 302, Location=f"{elsewhere.url}/there")
    elsewhere.respond("/there", 302, Location=f"{destination.url}/delete-all")
    get("moved", headers={"X-Own": SECRET})(state_for(destination, **credential))
    assert SECRET not in request_text(destination.received[1])
    assert destination.received[1].headers["Authorization"] is None


@each_kind
def test_redirect_within_the_origin_keeps_credential_and_headers(destination, credential):
    destination.respond("/moved", 302, Location="/there?page=2")
    state = state_for(destination, **credential)
    get("moved", query={"page": 1}, headers={"X-Own": "7"})(state)
    first, second = destination.received
    assert second.pairs[0] == ("page", "2")
    assert ("page", "1") not in second.pairs
    assert second.headers["X-Own"] == "7"
    assert second.headers["Authorization"] == first.headers["Authorization"]
    assert second.headers["X-Organisation"] == first.headers["X-Organisation"]
    assert ("appid" in second.query) == ("appid" in first.query)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("there", "/api/there"),
        ("../there", "/there"),
        ("?page=2", "/api/moved"),
        ("/caf\u00c3\u00a9", "/caf%C3%A9"),  # UTF-8 in a header
        ("/a b", "/a%20b"),
        ("//HOST/there", "/there"),
    ],
)
def test_location_is_resolved_like_in_a_browser(destination, location, path):
    host = destination.url.removeprefix("http://")
    destination.respond("/api/moved", 302, Location=location.replace("HOST", host))
    if location.startswith("?"):
        destination.respond("/api/moved", 200)
        destination.respond("/begin", 302, Location="/api/moved?page=2")
        get("begin")(state_for(destination))
    else:
        get("api/moved")(state_for(destination))
    assert destination.received[-1].path == path


@pytest.mark.parametrize("location", ["", "ftp://x.org/a", "http://[::1", "javascript:1"])
def test_redirect_without_usable_location_is_refused(destination, location):
    destination.respond("/moved", 302, Location=location)
    error = error_of(get("moved"), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert str(error).endswith("a redirect without a usable location.")


def test_loop_of_redirects_is_an_error(destination, elsewhere):
    destination.respond("/moved", 302, Location=f"{elsewhere.url}/there")
    elsewhere.respond("/there", 302, Location=f"{destination.url}/moved")
    error = error_of(get("moved"), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert "redirected endlessly" in str(error)
    assert len(destination.received) + len(elsewhere.received) == 20


def test_head_is_redirected_like_a_get(destination):
    destination.responses["/moved"] = StubResponse(302, b"", {"Location": "/there"})
    after = request("HEAD", "moved")(state_for(destination))
    assert [received.method for received in destination.received] == ["HEAD", "HEAD"]
    assert after["response"]["url"] == f"{destination.url}/there"


@pytest.mark.parametrize("call", [get, post])
def test_job_may_accept_a_redirect_status(destination, call):
    destination.respond("/moved", 302, Location="/there")
    after = call("moved", accept_statuses={302})(state_for(destination))
    assert after["response"]["status"] == 302
    assert after["response"]["headers"]["location"] == "/there"
    assert len(destination.received) == 1
