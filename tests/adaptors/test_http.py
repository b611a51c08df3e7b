"""The HTTP adaptor against real servers: requests, credentials, responses, errors, dry runs."""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import formatdate

import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors.common import data_value, each, source_value
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.http import delete, get, patch, post, put
from tests.support.errors import error_of
from tests.support.http_state import state_for

SECRET = "s3cr3t-Zm9v"
BASIC = {"username": "nurse", "password": SECRET}
BEARER = {"access_token": SECRET}
CALLS = {
    "GET": get("things"),
    "POST": post("things", {"a": 1}),
    "PUT": put("things", {"a": 1}),
    "PATCH": patch("things", {"a": 1}),
    "DELETE": delete("things"),
}
WRITES = {method: call for method, call in CALLS.items() if method != "GET"}


def each_call(calls=CALLS):
    return pytest.mark.parametrize(("method", "call"), calls.items(), ids=calls)


def each_call_and(name, values, calls=CALLS):
    """Parametrize all values with POST, and the first of them with every other method.

    All methods send their requests through the same code.
    """
    cases = [("POST", value) for value in values]
    cases += [(method, values[0]) for method in calls if method != "POST"]
    return pytest.mark.parametrize(
        ("method", "call", name),
        [(method, calls[method], value) for method, value in cases],
        ids=[f"{method}-{number}" for number, (method, _) in enumerate(cases)],
    )


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# Requests


@each_call()
def test_every_method_is_sent_below_the_base_url(destination, method, call):
    call(state_for(destination))
    assert (destination.only.method, destination.only.path) == (method, "/things")
    assert destination.only.headers["Accept"] == "application/json, */*"


@each_call({name: CALLS[name] for name in ("POST", "PUT", "PATCH")})
def test_write_sends_json_with_its_content_type(destination, method, call):
    call(state_for(destination))
    assert destination.only.body == b'{"a": 1}'
    assert destination.only.headers["Content-Type"] == "application/json"
    assert destination.only.headers["Content-Length"] == "8"


@each_call({"GET": get("things"), "DELETE": delete("things"), "POST": post("things")})
def test_request_without_a_body_has_no_content_type(destination, method, call):
    call(state_for(destination))
    assert destination.only.body == b""
    assert destination.only.headers["Content-Type"] is None


@pytest.mark.parametrize(
    "value",
    [
        {"weight": 3.25, "third": 1 / 3, "tiny": 5e-324, "note": None, "yes": True, "n": 10**25},
        [1, [2, {"a": None}], "é\u2028\U0001f600"],
        "text",
        0,
        False,
        {},
        [],
    ],
    ids=repr,
)
def test_json_values_arrive_unchanged(destination, value):
    post("things", value)(state_for(destination))
    assert json.loads(destination.only.body) == value


def test_dates_are_sent_in_iso_format(destination):
    day, moment = date(2024, 2, 29), datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
    post("things", {"day": day, "moment": moment})(state_for(destination))
    assert json.loads(destination.only.body) == {
        "day": "2024-02-29",
        "moment": "2024-02-29T12:30:00+00:00",
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_nan_and_infinity_are_an_author_error(destination, value):
    error = error_of(post("things", {"weight": [value]}), state_for(destination))
    assert error.verdict == "author"
    assert "NaN" in str(error)
    assert "None" in str(error)
    assert destination.received == []


@pytest.mark.parametrize(
    "value", [{1, 2}, Decimal("1.5"), b"bytes", object()], ids=lambda value: type(value).__name__
)
def test_value_without_a_json_form_is_an_author_error(destination, value):
    kind = type(value).__name__
    with pytest.raises(TypeError, match=f"JSON has no {kind}. Convert it to a text") as caught:
        post("things", {"value": value})(state_for(destination))
    assert getattr(caught.value, "verdict", "author") == "author"
    assert destination.received == []


@each_call({"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete})
def test_query_is_encoded_completely(destination, method, call):
    query = {"q": "a&b=c d/é", "ou": ["A", "B"], "page": 2, "empty": "", "none": None}
    call("things", query=query)(state_for(destination))
    assert destination.only.pairs == [
        ("q", "a&b=c d/é"),
        ("ou", "A"),
        ("ou", "B"),
        ("page", "2"),
        ("empty", ""),
    ]


def test_query_in_the_path_is_combined_with_the_option(destination):
    get("things?a=1", query={"b": 2})(state_for(destination))
    assert destination.only.pairs == [("a", "1"), ("b", "2")]


def test_headers_of_the_job_are_sent(destination):
    post("things", {}, headers={"X-Run": "7"})(state_for(destination))
    assert destination.only.headers["X-Run"] == "7"


def test_header_with_value_none_is_left_out(destination):
    get("things", headers={"X-Run": data_value("run"), "Accept": None})(state_for(destination, {}))
    assert destination.only.headers["X-Run"] is None
    assert destination.only.headers["Accept"] == "application/json, */*"


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_content_type_header_of_the_job_wins_in_any_case(destination, name):
    post("things", {}, headers={name: "application/fhir+json"})(state_for(destination))
    assert destination.only.headers.get_all("Content-Type") == ["application/fhir+json"]


def test_accept_header_of_the_job_wins_in_any_case(destination):
    get("things", headers={"accept": "text/csv"})(state_for(destination))
    assert destination.only.headers.get_all("Accept") == ["text/csv"]


def test_path_query_headers_and_body_may_contain_functions_of_the_state(destination):
    data = {"id": 7, "village": "Kisumu", "run": "r-1", "child": {"name": "Amina"}}
    put(
        lambda state: f"things/{state['data']['id']}",
        {"child": data_value("child"), "names": [data_value("child.name")]},
        query={"village": data_value("village")},
        headers={"X-Run": data_value("run")},
    )(state_for(destination, data))
    assert destination.only.path == "/things/7"
    assert destination.only.pairs == [("village", "Kisumu")]
    assert destination.only.headers["X-Run"] == "r-1"
    assert json.loads(destination.only.body) == {"child": {"name": "Amina"}, "names": ["Amina"]}


def test_query_headers_and_body_may_be_functions_of_the_state(destination):
    data = {"query": {"a": "1"}, "headers": {"X-Run": "7"}, "body": [1]}
    operate = post(
        "things", data_value("body"), query=data_value("query"), headers=data_value("headers")
    )
    operate(state_for(destination, data))
    assert destination.only.pairs == [("a", "1")]
    assert destination.only.headers["X-Run"] == "7"
    assert destination.only.body == b"[1]"


@pytest.mark.parametrize(
    ("base", "path", "arrived"),
    [
        ("", "things", "/things"),
        ("/", "/things", "/things"),
        ("/api/", "things/7", "/api/things/7"),
        ("/api", "//things", "/api/things"),
        ("/api", "", "/api"),
        ("/api", "mail/a@b.org", "/api/mail/a@b.org"),
    ],
)
def test_path_is_relative_to_the_base_url(destination, base, path, arrived):
    get(path)({"configuration": {"baseUrl": destination.url + base}})
    assert destination.only.path == arrived


def test_complete_url_is_used_unchanged(destination, elsewhere):
    get(f"{elsewhere.url}/things?next=https://x.org")(state_for(destination))
    assert destination.received == []
    assert elsewhere.only.pairs == [("next", "https://x.org")]


@pytest.mark.parametrize("state", [{}, {"configuration": None}, {"configuration": BEARER}])
def test_relative_path_without_base_url_is_an_author_error(state):
    error = error_of(get(f"things?token={SECRET}"), state)
    assert isinstance(error, ConfigurationError)
    assert "The path 'things' is relative, and the credential has no baseUrl." in str(error)
    assert SECRET not in str(error)


def test_path_must_be_a_text(destination):
    error = error_of(get(data_value("missing")), state_for(destination, {}))
    assert isinstance(error, ConfigurationError)
    assert str(error) == "A path is a text, not NoneType."


# Credentials


@each_call()
def test_user_and_password_are_sent_by_basic_authentication(destination, method, call):
    call(state_for(destination, username="nürse", password="pä:ss"))
    assert destination.only.headers["Authorization"] == basic("nürse", "pä:ss")


@each_call()
def test_access_token_is_sent_as_a_bearer_token(destination, method, call):
    call(state_for(destination, **BEARER))
    assert destination.only.headers["Authorization"] == f"Bearer {SECRET}"


def test_request_without_credential_has_no_authorization(destination):
    get("things")(state_for(destination))
    assert destination.only.headers["Authorization"] is None


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
@pytest.mark.parametrize("credential", [BASIC, BEARER], ids=["basic", "bearer"])
def test_authorization_header_of_the_job_wins(destination, name, credential):
    key = source_value("configuration.key")
    get("things", headers={name: key})(state_for(destination, key="ApiToken 7", **credential))
    assert destination.only.headers.get_all("Authorization") == ["ApiToken 7"]


@pytest.mark.parametrize("credential", [BASIC, BEARER], ids=["basic", "bearer"])
@each_call({"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete})
def test_other_origin_receives_no_credential(destination, elsewhere, method, call, credential):
    call(f"{elsewhere.url}/things")(state_for(destination, **credential))
    assert elsewhere.only.headers["Authorization"] is None


def test_other_name_of_the_same_server_is_another_origin(destination):
    address = destination.url.replace("127.0.0.1", "localhost")
    get(f"{address}/things")(state_for(destination, **BEARER))
    assert destination.only.headers["Authorization"] is None


def test_complete_url_at_the_base_url_receives_the_credential(destination):
    get(f"{destination.url.replace('http', 'HTTP')}/things")(state_for(destination, **BEARER))
    assert destination.only.headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("name", ["bücher.invalid", "XN--BCHER-KVA.invalid", "BÜCHER.invalid:80"])
def test_base_url_may_contain_accents_and_capitals(elsewhere, monkeypatch, name):
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)  # so that the name is looked up nowhere
    get("things")({"configuration": {"baseUrl": f"http://{name}", **BEARER}})
    get("http://bücher.invalid/things")({"configuration": {"baseUrl": f"http://{name}", **BEARER}})
    for received in elsewhere.received:
        assert received.path.startswith("http://xn--bcher-kva.invalid")
        assert received.headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("trick", ["\\@", "\\\\@", "#@", "?@", "/@"])
def test_url_that_imitates_the_base_url_receives_no_credential(destination, elsewhere, trick):
    base = destination.url.removeprefix("http://")
    get(f"{elsewhere.url}{trick}{base}/things")(state_for(destination, **BEARER))
    assert destination.received == []
    assert elsewhere.only.headers["Authorization"] is None


def test_user_in_a_url_does_not_imitate_the_base_url(destination, elsewhere):
    base, other = (received.url.removeprefix("http://") for received in (destination, elsewhere))
    get(f"http://{base}@{other}/things")(state_for(destination, **BEARER))
    assert elsewhere.only.headers["Authorization"] is None


def test_credential_without_base_url_is_never_sent(elsewhere):
    get(f"{elsewhere.url}/things")({"configuration": {**BASIC, **BEARER}})
    assert elsewhere.only.headers["Authorization"] is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("headers", [None, {"Authorization": SECRET}], ids=["credential", "own"])
def test_redirect_to_another_origin_drops_the_credential(destination, elsewhere, status, headers):
    destination.respond("/moved", status, Location=f"{elsewhere.url}/there")
    elsewhere.respond("/there", 200, {"id": 7})
    after = get("moved", headers=headers)(state_for(destination, **BEARER))
    assert SECRET in destination.only.headers["Authorization"]
    assert elsewhere.only.headers["Authorization"] is None
    assert after["data"] == {"id": 7}
    assert after["response"]["url"] == f"{elsewhere.url}/there"


def test_redirect_within_the_origin_keeps_the_credential(destination):
    destination.respond("/moved", 302, Location="/there")
    get("moved")(state_for(destination, **BEARER))
    assert [received.path for received in destination.received] == ["/moved", "/there"]
    assert destination.received[1].headers["Authorization"] == f"Bearer {SECRET}"


@pytest.fixture
def netrc(tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text(f"default login someone password {SECRET}\n", "ascii")
    monkeypatch.setenv("NETRC", str(file))


@each_call()
def test_netrc_file_is_ignored(netrc, destination, method, call):
    call(state_for(destination))
    assert destination.only.headers["Authorization"] is None


def test_netrc_file_is_ignored_after_a_redirect(netrc, destination, elsewhere):
    destination.respond("/moved", 302, Location=f"{elsewhere.url}/there")
    get("moved")(state_for(destination))
    assert elsewhere.only.headers["Authorization"] is None


def test_cookies_are_not_sent_with_the_next_request(destination):
    destination.respond("/login", 200, Set_Cookie=f"session={SECRET}; Path=/")
    after = get("login")(state_for(destination))
    get("things")(state_for(destination))
    assert destination.received[1].headers["Cookie"] is None
    assert "set-cookie" not in after["response"]["headers"]


# Responses


@each_call_and(
    "response",
    [
        (
            200,
            b'{"weight": 3.25, "note": null}',
            "application/json",
            {"weight": 3.25, "note": None},
        ),
        (201, b'{"id": "eBAyeGv0exc"}', "application/json", {"id": "eBAyeGv0exc"}),
        (200, b"[1, 2]", "text/plain", [1, 2]),
        (200, b"\xef\xbb\xbf{}", "application/json", {}),
        (200, b"id,name\n7,Amina\n", "text/csv", "id,name\n7,Amina\n"),
        (200, "Données".encode(), "text/plain; charset=utf-8", "Données"),
        (200, "Données".encode("iso-8859-1"), "text/plain; charset=iso-8859-1", "Données"),
        (202, b"", "application/json", None),
        (204, b"", "application/json", None),
    ],
)
def test_response_body_becomes_data(destination, method, call, response):
    status, content, content_type, data = response
    destination.respond("/things", status, content, Content_Type=content_type)
    before = state_for(destination, {"name": "Amina"}) | {"references": ["older"], "mine": 1}
    after = call(before)
    assert after["data"] == data
    assert after["references"] == [{"name": "Amina"}, "older"]
    assert after["mine"] == 1
    assert after["response"]["status"] == status
    assert after["response"]["method"] == method


def test_response_has_its_url_without_the_query(destination):
    destination.respond("/things", 200, {}, X_Total="2")
    after = get("things", query={"token": SECRET})(state_for(destination, **BEARER))
    assert after["response"]["url"] == f"{destination.url}/things"
    assert after["response"]["headers"]["x-total"] == "2"
    assert SECRET not in json.dumps(after["response"])


def test_responses_of_posts_inside_each_become_references(destination):
    destination.respond("/things", 201, {"id": 1})
    after = each("names", post("things", data_value("")))(
        state_for(destination, {"names": ["A", "B"]})
    )
    assert [json.loads(received.body) for received in destination.received] == ["A", "B"]
    assert after["data"] == {"names": ["A", "B"]}
    assert after["references"] == ["B", "A"]


# Verdicts


@each_call_and("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422])
def test_client_error_status_is_a_refusal(destination, method, call, status):
    destination.respond("/things", status, {"message": "no"})
    error = error_of(call, state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert error.verdict == "remote"
    assert f"{method} {destination.url}/things answered {status}" in str(error)


@each_call_and("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_retryable_status_is_retryable(destination, method, call, status):
    destination.respond("/things", status, {"message": "no"})
    error = error_of(call, state_for(destination))
    assert isinstance(error, RemoteUnavailable)
    assert (error.verdict, error.retry_after) == ("remote-for-now", None)
    assert f"{method} {destination.url}/things answered {status}" in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "low", "high"),
    [
        (429, {"X_RateLimit_Reset": "30"}, 30, 30),
        (429, {"X_RateLimit_Reset": "{epoch}"}, 50, 60),
        (429, {"X_RateLimit_Reset": "{milliseconds}"}, 50, 60),
        (429, {"X_Rate_Limit_Reset": "1.5"}, 1.5, 1.5),
        (429, {"RateLimit_Reset": "40"}, 40, 40),
        (429, {"RateLimit": "limit=100, remaining=0, reset=50"}, 50, 50),
        (429, {"RateLimit": '"default";r=0;t=20'}, 20, 20),
        (429, {"Retry_After": "7", "X_RateLimit_Reset": "30"}, 7, 7),
        (500, {"X_RateLimit_Reset": "30", "X_RateLimit_Remaining": "0"}, 30, 30),
        (500, {"X_RateLimit_Reset": "30", "X_RateLimit_Remaining": "9"}, None, None),
        (429, {"X_RateLimit_Reset": "{microseconds}"}, 50, 60),
        (403, {"X_RateLimit_Reset": "30", "X_RateLimit_Remaining": "0"}, 30, 30),
        (403, {"Retry_After": "7"}, 7, 7),
        (429, {"X_RateLimit_Reset": "soon"}, None, None),
    ],
)
def test_reset_of_a_rate_limit_counts_as_retry_after(destination, status, headers, low, high):
    now = time.time() + 60
    texts = {
        name: text.format(epoch=int(now), milliseconds=int(now * 1e3), microseconds=int(now * 1e6))
        for name, text in headers.items()
    }
    destination.respond("/things", status, **texts)
    seconds = error_of(post("things", {}), state_for(destination)).retry_after
    assert seconds == low if low is None or low == high else low <= seconds <= high


def test_retry_after_may_be_a_date(destination):
    later = formatdate(time.time() + 90, usegmt=True)
    destination.respond("/things", 503, Retry_After=later)
    assert 80 < error_of(post("things", {}), state_for(destination)).retry_after <= 90
    destination.respond("/things", 503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    assert error_of(post("things", {}), state_for(destination)).retry_after == 0


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("120", 120.0), ("0", 0.0), ("soon", None), ("", None), ("-1", None), ("\u00b2", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_in_seconds(destination, status, retry_after, seconds):
    destination.respond("/things", status, Retry_After=retry_after)
    error = error_of(post("things", {}), state_for(destination))
    assert error.verdict == "remote-for-now"
    assert error.retry_after == seconds


@each_call_and("status", [301, 302, 303, 307, 308], WRITES)
def test_redirected_write_is_refused_with_a_remedy(destination, method, call, status):
    destination.respond("/things", status, Location=f"{destination.url}/login?next={SECRET}")
    error = error_of(call, state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert [received.method for received in destination.received] == [method]
    assert f"a redirect to {destination.url}/login." in str(error)
    assert "Set the URL in the credential to the final one." in str(error)
    assert SECRET not in str(error)


def test_redirected_post_is_never_sent_as_a_get(destination, elsewhere):
    destination.respond("/things", 302, Location=f"{elsewhere.url}/things")
    error_of(post("things", {"name": "Amina"}), state_for(destination))
    assert destination.only.method == "POST"
    assert elsewhere.received == []


@pytest.mark.parametrize("location", ["", "/login", "//", "ftp://x.org/", "\u00e9"])
def test_redirect_to_any_location_is_a_refusal(destination, location):
    destination.respond("/things", 302, Location=location)
    error = error_of(post("things", {}), state_for(destination))
    assert error.verdict == "remote"
    assert len(destination.received) == 1


def test_endless_redirect_is_refused(destination):
    destination.respond("/things", 302, Location="/things")
    error = error_of(get("things"), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert f"GET {destination.url}/things" in str(error)


@each_call()
def test_timeout_is_retryable(destination, method, call):
    destination.respond("/never", silent=True)
    never = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}[method]
    error = error_of(never("never", timeout=0.03), state_for(destination))
    assert isinstance(error, RemoteUnavailable)
    assert str(error) == f"{method} {destination.url}/never: no response in time."


@each_call()
def test_truncated_response_is_retryable(destination, method, call):
    destination.respond("/things", 200, b'{"id"', Content_Length="100", Connection="close")
    error = error_of(call, state_for(destination))
    assert isinstance(error, RemoteUnavailable)
    assert str(error) == f"{method} {destination.url}/things: the connection failed."


@each_call()
def test_refused_connection_is_retryable(closed_url, method, call):
    error = error_of(call, {"configuration": {"baseUrl": closed_url, **BASIC}})
    assert isinstance(error, RemoteUnavailable)
    assert str(error) == f"{method} {closed_url}/things: the connection failed."


def test_response_with_wrong_compression_is_refused(destination):
    destination.respond("/things", 200, b"not gzip", Content_Encoding="gzip")
    error = error_of(get("things"), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert f"GET {destination.url}/things" in str(error)


@pytest.mark.parametrize(
    "base", ["example.org/api", "ftp://example.org", "http://", "http://[::1", "http://x:port"]
)
@each_call()
def test_invalid_url_is_an_author_error(base, method, call):
    error = error_of(call, {"configuration": {"baseUrl": base, **BASIC}})
    assert isinstance(error, ConfigurationError)
    assert "things" in str(error)


# Errors contain no secrets


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("credential", [BASIC, BEARER], ids=["basic", "bearer"])
def test_errors_contain_no_secret_no_query_and_no_payload(destination, status, credential, capsys):
    page = f"<html>Amina 42 {SECRET}</html>".encode()
    destination.respond("/things", status, page, Content_Type="text/html")
    operate = post("things", {"name": "Amina"}, query={"village": "Kisumu"})
    error = error_of(operate, state_for(destination, **credential))
    for part in ("Amina", "Kisumu", SECRET, "html", basic("nurse", SECRET)):
        assert part not in str(error)
        assert part not in repr(error.args)


def test_error_response_is_logged_and_shortened(destination, capsys):
    destination.respond("/things", 409, b"<html>" + b"x" * 5000, Content_Type="text/html")
    error_of(post("things", {}), state_for(destination))
    printed = capsys.readouterr().out
    assert printed.startswith(f"POST {destination.url}/things answered 409 Conflict:\n<html>xxx")
    assert len(printed) < 1200


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f"{SECRET}\r\nX-Evil: 1", f"\u2019{SECRET}"])
@each_call()
def test_token_that_no_header_can_contain_is_not_shown(destination, method, call, secret):
    error = error_of(call, state_for(destination, access_token=secret))
    assert isinstance(error, ConfigurationError)
    assert SECRET not in str(error)
    assert f"{method} {destination.url}/things" in str(error)


@pytest.mark.parametrize("value", [f"{SECRET}\n", f" {SECRET}", 7, [SECRET]])
def test_header_that_cannot_be_sent_is_not_shown(destination, value):
    error = error_of(get("things", headers={"X-Key": value}), state_for(destination))
    assert isinstance(error, ConfigurationError)
    assert SECRET not in str(error)
    assert destination.received == []


@pytest.mark.parametrize("ending", ["", "/", "?x=1"])
def test_user_in_the_base_url_is_not_shown(closed_url, ending):
    base = closed_url.replace("http://", f"http://nurse:{SECRET}@") + ending
    error = error_of(get("things"), {"configuration": {"baseUrl": base}})
    assert SECRET not in str(error)
    assert "nurse" not in str(error)


# Connections


def test_two_requests_use_one_connection(destination):
    get("things")(state_for(destination))
    post("things", {})(state_for(destination))
    first, second = destination.received
    assert first.client_port == second.client_port


def test_connection_is_reused_after_a_refusal(destination):
    destination.respond("/things", 404, {"message": "no"})
    error_of(get("things"), state_for(destination))
    error_of(get("things"), state_for(destination))
    first, second = destination.received
    assert first.client_port == second.client_port


def test_threads_do_not_share_a_connection(destination):
    get("things")(state_for(destination))
    thread = threading.Thread(target=get("things"), args=[state_for(destination)])
    thread.start()
    thread.join()
    first, second = destination.received
    assert first.client_port != second.client_port


def test_proxy_of_the_environment_is_used(elsewhere, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    get("things")({"configuration": {"baseUrl": "http://nobody.invalid"}})
    assert elsewhere.only.path == "http://nobody.invalid/things"


def test_no_proxy_of_the_environment_is_respected(destination, elsewhere, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get("things")(state_for(destination))
    assert (len(destination.received), len(elsewhere.received)) == (1, 0)


# Dry runs


@each_call()
def test_dry_run_sends_nothing_and_responds_with_an_empty_object(destination, method, call):
    with dry_run() as requests:
        after = call(state_for(destination, "before"))
    assert destination.received == []
    assert [request.method for request in requests] == [method]
    assert after["data"] == {}
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200


def test_dry_run_records_the_request(destination):
    operate = post("things", {"name": data_value("name")}, query={"v": "x y"}, headers={"X-A": "1"})
    with dry_run() as requests:
        operate(state_for(destination, {"name": "Amina"}))
    assert (requests[0].url, requests[0].body) == (
        f"{destination.url}/things?v=x+y",
        b'{"name": "Amina"}',
    )
    assert requests[0].headers["X-A"] == "1"
    assert requests[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": SECRET},
        {"Cookie": f"session={SECRET}"},
        {"X-Auth-Token": SECRET},
        {"Ocp-Apim-Subscription-Key": SECRET},
        {"x-api-key": SECRET},
        {"X-Passphrase": SECRET},
        {"X-Session-Id": SECRET},
    ],
    ids=str,
)
@pytest.mark.parametrize("credential", [BASIC, BEARER], ids=["basic", "bearer"])
def test_dry_run_masks_secrets(destination, credential, headers):
    with dry_run() as requests:
        get("things", headers=headers)(state_for(destination, **credential))
    assert SECRET not in repr(requests)
    assert basic("nurse", SECRET) not in repr(requests)
    assert (
        requests[0].headers["Authorization" if "authorization" not in headers else "authorization"]
        == "***"
    )


def test_dry_run_masks_a_password_in_the_url(destination):
    address = destination.url.replace("://", f"://nurse:{SECRET}@")
    with dry_run() as requests:
        get(f"{address}/things")(state_for(destination))
    assert SECRET not in repr(requests)


@pytest.mark.parametrize("more", ["?token=t", "#x"])
def test_base_url_without_query_fragment_and_user(destination, more):
    for address in (destination.url + more, destination.url.replace("://", f"://nurse:{SECRET}@")):
        error = error_of(get("things"), {"configuration": {"baseUrl": address}})
        assert isinstance(error, ConfigurationError)
        assert SECRET not in str(error)


@pytest.mark.parametrize("credential", [{"username": "u"}, {"password": "p"}])
def test_incomplete_credential_is_an_author_error(destination, credential):
    assert error_of(get("things"), state_for(destination, **credential)).verdict == "author"


def test_relative_path_may_contain_a_url(destination):
    get("ValueSet/http://who.int/x")(state_for(destination))
    assert destination.received[0].path == "/ValueSet/http://who.int/x"


@pytest.mark.parametrize("base", ["example.org", "ftp://example.org", "http://[::1"])
def test_dry_run_finds_author_errors(destination, base):
    with dry_run() as requests:
        error = error_of(get("things"), {"configuration": {"baseUrl": base}})
    assert isinstance(error, ConfigurationError)
    assert requests == []


def test_requests_are_sent_again_after_a_dry_run(destination):
    with dry_run():
        get("things")(state_for(destination))
    get("things")(state_for(destination))
    assert len(destination.received) == 1


def test_dry_run_does_not_affect_other_threads(destination):
    with dry_run() as requests:
        thread = threading.Thread(target=get("things"), args=[state_for(destination)])
        thread.start()
        thread.join()
    assert requests == []
    assert len(destination.received) == 1
