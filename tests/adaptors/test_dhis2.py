"""DHIS2: the credential, requests, verdicts of responses, uids, and secrets."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors.common import data_value
from adaptors.credentials import read_credential
from adaptors.dhis2 import (
    Configuration,
    attr,
    create,
    data_value_sets,
    destroy,
    dv,
    find_attribute_value,
    get,
    patch,
    tracker_export,
    tracker_import,
    uid,
    update,
    upsert,
)
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from tests.adaptors.dhis2_server import FACILITY, MEASLES, NAME, PASSWORD, PERSON, TOKEN, USER
from tests.support.errors import error_of
from tests.support.wsgi_server import html_page, redirect, status, truncated

BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
UNIT = {"name": "Ngelehun CHC", "shortName": "Ngelehun"}
VISIT = {"event": "Visit000001", "occurredAt": "2026-03-09"}
SET = {"period": "202603", "orgUnit": FACILITY, "dataValues": [dv(MEASLES, "12")]}
WRITES = {
    "create": create("organisationUnits", UNIT),
    "create in the tracker": create("events", VISIT),
    "update": update("organisationUnits", "DiszpKrYNg8", UNIT),
    "destroy": destroy("organisationUnits", "DiszpKrYNg8"),
    "destroy in the tracker": destroy("events", "Visit000001"),
    "patch": patch("organisationUnits", "DiszpKrYNg8", {"code": "OU_559"}),
    "tracker_import": tracker_import({"events": [VISIT]}),
    "data_value_sets": data_value_sets(SET),
    "upsert in the tracker": upsert("events", None, VISIT),
}
READS = {
    "get": get("organisationUnits", {"fields": "id"}),
    "tracker_export": tracker_export("events"),
    "upsert": upsert("organisationUnits", {"filter": "code:eq:OU_559"}, UNIT),
    "patch in the tracker": patch("events", "Visit000001", {"status": "ACTIVE"}),
}
ALL = WRITES | READS


def each_of(operations):
    return pytest.mark.parametrize("operate", operations.values(), ids=operations)


def problem(**configuration):
    with pytest.raises(ConfigurationError) as caught:
        read_credential(Configuration, {"configuration": configuration})
    return str(caught.value)


# The credential


def test_password_or_token_authorizes_requests(dhis2):
    get("organisationUnits")(dhis2.state())
    get("organisationUnits")(dhis2.state(username=None, password=None, pat=TOKEN))
    headers = [request.headers["Authorization"] for request in dhis2.served.received]
    assert headers == [f"Basic {BASIC}", f"ApiToken {TOKEN}"]


def test_token_is_preferred_to_password(dhis2):
    get("organisationUnits")(dhis2.state(pat=TOKEN))
    assert dhis2.only.headers["Authorization"] == f"ApiToken {TOKEN}"


@pytest.mark.parametrize(
    "login",
    [{}, {"username": USER}, {"password": PASSWORD}, {"username": USER, "password": ""}],
    ids=str,
)
def test_credential_needs_password_or_token(login):
    message = problem(hostUrl="https://dhis2.example.org", **login)
    assert "it needs username and password, or a token as pat" in message
    assert PASSWORD not in message


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/", "//api//", " "])
def test_api_at_the_end_of_the_url_is_ignored(dhis2, ending):
    get("organisationUnits")(dhis2.state(hostUrl=dhis2.served.url + ending))
    assert dhis2.requested == ["GET /api/organisationUnits"]


@pytest.mark.parametrize(
    ("url", "host_url"),
    [
        ("https://api", "https://api"),
        ("https://play.dhis2.org/40/", "https://play.dhis2.org/40"),
        ("https://example.org/dhis/api", "https://example.org/dhis"),
        ("http://localhost:8080/api", "http://localhost:8080"),
    ],
)
def test_path_before_api_is_kept(url, host_url):
    assert Configuration(hostUrl=url, pat=TOKEN).host_url == host_url


def test_old_credential_key_api_url_is_accepted(dhis2):
    state = dhis2.state(apiUrl=dhis2.served.url)
    del state["configuration"]["hostUrl"]
    get("organisationUnits")(state)
    assert dhis2.requested == ["GET /api/organisationUnits"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://dhis2.example.org/api/40", "remove /api and the version"),
        ("dhis2.example.org", "begins with https://"),
        ("", "begins with https://"),
        ("https://", "begins with https://"),
    ],
)
def test_invalid_url_is_a_configuration_error(url, reason):
    assert reason in problem(hostUrl=url, pat=TOKEN)


def test_url_is_required():
    assert "hostUrl is missing." in problem(pat=TOKEN)


@pytest.mark.parametrize(
    ("api_version", "number"),
    [
        (36, 36),
        (43, 43),
        ("40", 40),
        ("v40", 40),
        ("V2.40", 40),
        ("2.40", 40),
        ("2.36", 36),
        (2.4, 40),
        (2.41, 41),
        (40.0, 40),
        ("2.40.3", 40),
        ("2.41.0.1", 41),
        (" 42 ", 42),
        ("", None),
        (None, None),
    ],
)
def test_api_version_is_parsed_in_all_notations(api_version, number):
    configuration = Configuration(hostUrl="https://x.org", pat=TOKEN, apiVersion=api_version)
    assert configuration.api_version == number


@pytest.mark.parametrize(
    "api_version",
    [35, 44, 2.35, "2.4", "2.44", "240", "4", "latest", True, [40], "40/../38"],
    ids=str,
)
def test_unsupported_api_version_is_a_configuration_error(api_version):
    message = problem(hostUrl="https://x.org", pat=TOKEN, apiVersion=api_version)
    assert "apiVersion: it is one of 36 to 43" in message


def test_api_version_is_part_of_the_path(dhis2):
    get("organisationUnits")(dhis2.state(apiVersion="2.38"))
    assert dhis2.requested == ["GET /api/38/organisationUnits"]


@each_of(ALL)
def test_requests_ask_dhis2_not_to_redirect_to_its_login_page(dhis2, operate):
    dhis2.database.metadata["organisationUnits"]["DiszpKrYNg8"] = {**UNIT, "id": "DiszpKrYNg8"}
    dhis2.database.tracker["events"] = {"Visit000001": VISIT}
    try:
        operate(dhis2.state())
    except RemoteRefused as error:
        assert "it already exists" in str(error)  # noqa: PT017 - create, of an existing event
    assert {request.headers["X-Requested-With"] for request in dhis2.served.received} == {
        "XMLHttpRequest"
    }


# Verdicts


@each_of(ALL)
def test_wrong_password_error_says_what_to_check(dhis2, operate):
    error = error_of(operate, dhis2.state(password="wrong"))
    assert isinstance(error, RemoteRefused)
    assert "answered 401" in str(error)
    assert "Check its username and password, or whether its pat has expired" in str(error)
    assert len(dhis2.served.received) == 1


@each_of(ALL)
def test_missing_permission_is_refused(dhis2, operate):
    dhis2.respond_with({"httpStatus": "Forbidden", "httpStatusCode": 403, "status": "ERROR"}, 403)
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "answered 403" in str(error)
    assert "The credential's user has no permission" in str(error)


# All operations send through the same code: every status for one read and one write, else 503.
RETRYABLE_CASES = [
    (name, code)
    for name in ALL
    for code in ([429, 500, 502, 503, 504] if name in {"get", "create"} else [503])
]


@pytest.mark.parametrize(("name", "code"), RETRYABLE_CASES)
def test_server_failures_are_retryable(dhis2, name, code):
    dhis2.served.failures.append(status(code, b"<html>busy</html>", Retry_After="7"))
    error = error_of(ALL[name], dhis2.state())
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after == 7
    assert f"answered {code}" in str(error)


@each_of(ALL)
def test_truncated_response_is_retryable(dhis2, operate):
    dhis2.served.failures.append(truncated)
    assert isinstance(error_of(operate, dhis2.state()), RemoteUnavailable)


def test_timeout_is_retryable(dhis2):
    dhis2.served.failures.append(dhis2.served.silent)
    started = time.monotonic()
    operate = tracker_import({"events": [VISIT]}, timeout=0.05)
    assert isinstance(error_of(operate, dhis2.state()), RemoteUnavailable)
    assert time.monotonic() - started < 5


def test_closed_port_is_retryable(dhis2, closed_url):
    for operate in ALL.values():
        error = error_of(operate, dhis2.state(hostUrl=closed_url))
        assert isinstance(error, RemoteUnavailable)


@each_of(ALL)
def test_web_page_instead_of_json_is_retryable(dhis2, operate):
    dhis2.served.failures.append(html_page)
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteUnavailable)
    assert "answered 200 OK, but with a web page instead of JSON" in str(error)


@pytest.mark.parametrize(
    ("content_type", "page"),
    [
        ("text/html", b"<p>Down for maintenance</p>"),
        ("application/json", b"\n<!DOCTYPE HTML><p>Down</p>"),
        ("text/plain", b"<HTML>Down</HTML>"),
    ],
)
def test_web_page_is_recognized_by_content_type_or_content(dhis2, content_type, page):
    dhis2.served.failures.append(status(200, page, Content_Type=content_type))
    assert isinstance(error_of(get("events"), dhis2.state()), RemoteUnavailable)


@each_of(ALL)
def test_login_page_error_says_what_to_check(dhis2, operate):
    page = b"<!DOCTYPE html><html><form><input name='j_username'></form></html>"
    dhis2.served.failures.append(status(200, page))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "but with a login page. DHIS2 does not accept the credential" in str(error)


@each_of(WRITES)
def test_redirect_of_a_write_to_the_login_page_is_refused(dhis2, operate):
    login_page = "/dhis-web-commons/security/login.action?token=1"
    dhis2.served.failures.append(redirect(login_page))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "a redirect to its login page. DHIS2 does not accept the credential" in str(error)
    assert len(dhis2.served.received) == 1


@each_of(READS)
def test_redirect_of_a_read_to_the_login_page_is_refused(dhis2, operate):
    dhis2.served.failures.append(redirect("/dhis-web-login/"))
    dhis2.served.failures.append(status(200, b"<html>DHIS2</html>"))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "but with a login page" in str(error)


@each_of(WRITES)
def test_redirect_of_a_write_is_not_followed(dhis2, operate):
    dhis2.served.failures.append(redirect("https://dhis2.example.org/api/"))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "Set the URL in the credential to the final one." in str(error)
    assert len(dhis2.served.received) == 1


@each_of(ALL)
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"busy"),
        ("text/plain", b'{"status": "OK"'),
        ("text/plain", b"[" * 9999),
    ],
    ids=["not JSON", "truncated", "too deep"],
)
def test_invalid_json_is_refused(dhis2, operate, content_type, body):
    dhis2.served.failures.append(status(200, body, Content_Type=content_type))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "with invalid JSON" in str(error)


@each_of(ALL)
def test_missing_object_is_refused(dhis2, operate):
    dhis2.respond_with({"httpStatusCode": 404, "status": "ERROR", "message": "Amina Sesay"}, 404)
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "This server has no such resource or object" in str(error)
    assert "Amina" not in str(error)


def test_reason_of_a_refused_read_is_logged(dhis2, capsys):
    dhis2.respond_with(
        {"httpStatusCode": 409, "status": "ERROR", "message": "Program is missing"}, 409
    )
    error = error_of(get("events"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "Program is missing" in capsys.readouterr().out


# Fetch


def test_fetched_body_becomes_data_and_old_data_a_reference(dhis2):
    dhis2.database.metadata["organisationUnits"]["DiszpKrYNg8"] = {**UNIT, "id": "DiszpKrYNg8"}
    after = get("organisationUnits/DiszpKrYNg8")(dhis2.state({"a": 1}))
    assert after["data"]["name"] == "Ngelehun CHC"
    assert after["references"] == [{"a": 1}]


def test_query_accepts_lists_booleans_and_functions_of_the_state(dhis2):
    query = {"filter": ["name:like:a", data_value("f")], "paging": False, "fields": "id"}
    get("organisationUnits", query)(dhis2.state({"f": "code:eq:1"}))
    assert dhis2.only.args.getlist("filter") == ["name:like:a", "code:eq:1"]
    assert dhis2.only.args["paging"] == "false"


@pytest.mark.parametrize("kind", ["trackedEntities", "enrollments", "events", "relationships"])
def test_tracker_resources_are_fetched_from_the_tracker_in_every_version(dhis2, kind):
    get(kind)(dhis2.state())
    get(kind, legacy=True)(dhis2.state()) if kind == "events" else None
    assert dhis2.requested[0] == f"GET /api/tracker/{kind}"
    assert dhis2.requested[1:] == (["GET /api/events"] if kind == "events" else [])


def test_single_tracker_object_is_fetched_from_the_tracker(dhis2):
    dhis2.database.tracker["events"] = {"Visit000001": VISIT}
    for resource in ("events/Visit000001", "/events/Visit000001/", "events?orgUnit=a"):
        get(resource)(dhis2.state())
    assert {request.path for request in dhis2.served.received} == {
        "/api/tracker/events/Visit000001",
        "/api/tracker/events",
    }


def test_other_content_is_fetched_as_text(dhis2):
    csv = b"code,value\nA,1\n"
    dhis2.served.failures.append(status(200, csv, Content_Type="application/csv"))
    assert get("sqlViews/abc/data.csv")(dhis2.state())["data"] == "code,value\nA,1\n"


def test_fetched_object_with_a_status_is_not_an_import_summary(dhis2):
    dhis2.respond_with({"event": "Visit000001", "status": "ERROR", "conflicts": [{"object": "x"}]})
    assert get("events/Visit000001")(dhis2.state())["data"]["status"] == "ERROR"


@pytest.mark.parametrize("resource", ["", None, 7, "/"])
def test_resource_must_be_a_text(dhis2, resource):
    error = error_of(get(resource), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "A resource is a text" in str(error)


# Dry runs and secrets


def test_dry_run_records_every_request_and_sends_none(dhis2):
    with dry_run() as requests:
        for operate in ALL.values():
            operate(dhis2.state())
    assert dhis2.served.received == []
    paths = [
        f"{request.method} {request.url.removeprefix(dhis2.served.url)}" for request in requests
    ]
    import_query = "importStrategy={}&atomicMode=ALL"
    tracker = "POST /api/tracker?async=false&reportMode=WARNINGS&" + import_query
    assert paths == [
        "POST /api/organisationUnits",
        tracker.format("CREATE"),
        "PUT /api/organisationUnits/DiszpKrYNg8",
        "DELETE /api/organisationUnits/DiszpKrYNg8",
        tracker.format("DELETE"),
        "PATCH /api/organisationUnits/DiszpKrYNg8",
        tracker.format("CREATE_AND_UPDATE"),
        "POST /api/dataValueSets",
        tracker.format("CREATE_AND_UPDATE"),
        "GET /api/organisationUnits?fields=id",
        "GET /api/tracker/events?page=1&pageSize=200",
        "GET /api/organisationUnits?filter=code%3Aeq%3AOU_559&fields=%3Aowner",
        "POST /api/organisationUnits",
        "GET /api/tracker/events/Visit000001",
        tracker.format("UPDATE"),
    ]
    assert json.loads(requests[1].body) == {"events": [VISIT]}


@pytest.mark.parametrize("number", [0, 1, 450])
def test_dry_run_of_an_import_returns_a_report(dhis2, number):
    events = [{"event": f"Visit{n:06d}"} for n in range(number)]
    with dry_run():
        after = tracker_import({"events": events})(dhis2.state())
    assert after["data"]["status"] == "OK"
    assert after["data"]["stats"]["total"] == number


RESPONSES = {
    "200": status(200, b"{}", Content_Type="application/json"),
    "401": status(401, b'{"message": "admin"}', Content_Type="application/json"),
    "409": status(409, b'{"status": "ERROR"}', Content_Type="application/json"),
    "503": status(503),
    "web page": html_page,
    "redirect": redirect(f"/login?token={TOKEN}"),
}
# All responses to one write with a password and to one read with a token, else only 409.
SECRET_CASES = [
    *((name, "409", None) for name in ALL),
    *(("create", response, None) for response in RESPONSES if response != "409"),
    *(("get", response, TOKEN) for response in RESPONSES),
]


@pytest.mark.parametrize(("name", "response", "pat"), SECRET_CASES)
def test_no_state_log_error_or_dry_run_contains_a_secret(dhis2, capsys, name, response, pat):
    operate, state = ALL[name], dhis2.state(pat=pat)
    dhis2.served.failures.append(RESPONSES[response])
    outputs = []
    try:
        after = operate(state)
        outputs.append(json.dumps({**after, "configuration": None}))
    except AdaptorError as error:
        outputs += [str(error), repr(error.__cause__)]
    with dry_run() as requests:
        operate(state)
    outputs += [repr(requests), *capsys.readouterr()]
    for secret in (PASSWORD, TOKEN, BASIC):
        assert secret not in "".join(outputs)


# uid, attr, dv, find_attribute_value


def test_uid_of_the_same_parts_never_changes():
    # Servers have stored such uids for a long time: the algorithm must not change.
    assert uid("19d72997", "visit")({}) == "LBFPibELgjT"
    assert uid("19d72997-8316-4e02-8016-4a8ddf6a2aa4")({}) == "tVe2ASViOsf"
    assert uid("Zoë", 7, "\U0001f600")({}) == "Yn83vBYluYU"


def test_uid_of_one_text_is_the_one_of_openfn():
    assert uid("event:DiszpKrYNg8:201401")({}) == "ZyEcOoowtts"


def test_uids_are_valid_unique_and_evenly_distributed():
    uids = [uid(number, "child")({}) for number in range(20_000)]
    assert all(re.fullmatch("[a-zA-Z][a-zA-Z0-9]{10}", text) for text in uids)
    assert len(set(uids)) == len(uids)
    for position, letters in [(0, 52), *((position, 62) for position in range(1, 11))]:
        counts = Counter(text[position] for text in uids)
        expected = len(uids) / letters
        assert len(counts) == letters
        # Chi squared: its mean is the number of letters; seven deviations are no coincidence.
        spread = sum((count - expected) ** 2 / expected for count in counts.values())
        assert abs(spread - letters) < 7 * (2 * letters) ** 0.5


def test_parts_of_a_uid_may_be_functions_of_the_state():
    value = uid(data_value("_uuid"), lambda state: state["index"])
    state = {"data": {"_uuid": "a"}, "index": 3}
    assert value(state) == uid("a", 3)({})
    assert attr(NAME, value)["value"] is value


@pytest.mark.parametrize(
    ("parts", "other_parts"),
    [
        (("a", "b"), ("ab",)),
        (("a", "b"), ("b", "a")),
        (("a,b",), ("a", "b")),
        (('a","b',), ("a", "b")),
        (('a","b', "c"), ("a", 'b","c')),
        ((1, 23), (12, 3)),
        (("a",), ("A",)),
        (("a", "a"), ("a",)),
    ],
    ids=str,
)
def test_different_parts_make_different_uids(parts, other_parts):
    assert uid(*parts)({}) != uid(*other_parts)({})


def test_number_and_its_text_are_the_same_part():
    assert uid("a", 7)({}) == uid("a", "7")({})
    assert uid("a", date(2026, 3, 9))({}) == uid("a", "2026-03-09")({})


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \n", "empty"),
        (data_value("missing"), "empty"),
        (1.5, "a float"),
        (True, "a bool"),
        ({"a": 1}, "a dict"),
        ([], "a list"),
        (b"a", "a bytes"),
    ],
)
def test_part_without_a_value_is_a_configuration_error(part, problem):
    with pytest.raises(ConfigurationError) as caught:
        uid("visit", part)({"data": {}})
    assert f"Part 2 of uid(…) is {problem}. " in str(caught.value)


def test_uid_needs_a_part():
    with pytest.raises(ConfigurationError, match="uid needs a part"):
        uid()


def test_uid_is_derived_for_each_message(dhis2):
    operate = create("events", {**VISIT, "event": uid(data_value("_uuid"))})
    for uuid in ("a", "b"):
        operate(dhis2.state({"_uuid": uuid}))
    assert list(dhis2.database.tracker["events"]) == [uid("a")({}), uid("b")({})]


@pytest.mark.parametrize(
    ("operate", "name"),
    [
        (create("dataValueSets", [dv("f7n9E0hX8qk", ["a", "b"])]), "data element f7n9E0hX8qk"),
        (
            tracker_import({"events": [{"event": "Visit000001", "dataValues": [dv("q1", [])]}]}),
            "data element q1",
        ),
        (
            upsert(
                "trackedEntities", None, {"trackedEntity": "A", "attributes": [attr("w7", [1])]}
            ),
            "attribute w7",
        ),
    ],
    ids=["data value set", "event", "attribute"],
)
def test_list_as_a_value_is_an_author_error_that_names_the_element(dhis2, operate, name):
    error = error_of(operate, dhis2.state())
    assert error.verdict == "author"
    assert f"The value of the {name} is a list" in str(error)
    assert '",".join' in str(error)
    assert dhis2.served.received == []


def test_attributes_and_data_values_accept_functions_of_the_state():
    assert attr(data_value("a"), 1)["attribute"]({"data": {"a": "x"}}) == "x"
    assert dv("f7n9E0hX8qk", 0) == {"dataElement": "f7n9E0hX8qk", "value": 0}
    assert dv("f7n9E0hX8qk", 0, "estimated")["comment"] == "estimated"


@pytest.mark.parametrize(
    ("entity", "attribute", "value"),
    [
        ({"attributes": [attr(NAME, "Amina")]}, NAME, "Amina"),
        ({"attributes": [{"displayName": "First name", "value": "Amina"}]}, "FIRST NAME", "Amina"),
        ({"attributes": [{"displayName": NAME, "value": 1}, attr(NAME, 2)]}, NAME, 2),
        ({"attributes": [attr(NAME, "Amina")]}, "Last name", None),
        ({"attributes": []}, NAME, None),
        ({"attributes": None}, NAME, None),
        ({}, NAME, None),
        (None, NAME, None),
    ],
)
def test_attribute_is_found_by_uid_or_display_name(entity, attribute, value):
    assert find_attribute_value(entity, attribute) == value


def test_dates_are_sent_in_iso_format(dhis2):
    created_at = datetime(2026, 3, 9, tzinfo=UTC)
    entity = {"trackedEntity": "PQfMcpmXeFE", "trackedEntityType": PERSON, "orgUnit": FACILITY}
    payload = {"trackedEntities": [{**entity, "createdAtClient": created_at}]}
    tracker_import(payload)(dhis2.state())
    stored = dhis2.database.tracker["trackedEntities"]["PQfMcpmXeFE"]
    assert stored["createdAtClient"] == "2026-03-09T00:00:00+00:00"
