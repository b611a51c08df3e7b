"""DHIS2: the credential, what leaves, whose problem an answer is, and what is never shown."""

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
from tests.adaptors.serving import html_page, redirect, status, truncated

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


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def problem(**given):
    with pytest.raises(ConfigurationError) as caught:
        read_credential(Configuration, {"configuration": given})
    return str(caught.value)


# The credential


def test_a_user_and_password_authorize_and_so_does_a_token(dhis2):
    get("organisationUnits")(dhis2.state())
    get("organisationUnits")(dhis2.state(username=None, password=None, pat=TOKEN))
    sent = [each.headers["Authorization"] for each in dhis2.served.received]
    assert sent == [f"Basic {BASIC}", f"ApiToken {TOKEN}"]


def test_of_a_token_and_a_password_the_token_is_sent(dhis2):
    get("organisationUnits")(dhis2.state(pat=TOKEN))
    assert dhis2.only.headers["Authorization"] == f"ApiToken {TOKEN}"


@pytest.mark.parametrize(
    "given",
    [{}, {"username": USER}, {"password": PASSWORD}, {"username": USER, "password": ""}],
    ids=str,
)
def test_a_credential_needs_a_password_or_a_token(given):
    told = problem(hostUrl="https://dhis2.example.org", **given)
    assert "the credential needs username and password, or a token as pat" in told
    assert PASSWORD not in told


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/", "//api//", " "])
def test_an_address_that_ends_in_api_is_the_same_address(dhis2, ending):
    get("organisationUnits")(dhis2.state(hostUrl=dhis2.served.url + ending))
    assert dhis2.asked == ["GET /api/organisationUnits"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api", "https://api"),
        ("https://play.dhis2.org/40/", "https://play.dhis2.org/40"),
        ("https://example.org/dhis/api", "https://example.org/dhis"),
        ("http://localhost:8080/api", "http://localhost:8080"),
    ],
)
def test_what_stands_before_api_is_kept(given, kept):
    assert Configuration(hostUrl=given, pat=TOKEN).host_url == kept


def test_an_old_credential_names_its_address_api_url(dhis2):
    state = dhis2.state(apiUrl=dhis2.served.url)
    del state["configuration"]["hostUrl"]
    get("organisationUnits")(state)
    assert dhis2.asked == ["GET /api/organisationUnits"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://dhis2.example.org/api/40", "leave /api and what follows out"),
        ("dhis2.example.org", "begins with https://"),
        ("", "begins with https://"),
        ("https://", "begins with https://"),
    ],
)
def test_an_address_that_is_none_is_told(url, told):
    assert told in problem(hostUrl=url, pat=TOKEN)


def test_an_address_is_asked_for():
    assert "hostUrl is missing." in problem(pat=TOKEN)


@pytest.mark.parametrize(
    ("given", "number"),
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
def test_a_version_is_read_however_it_is_written(given, number):
    assert Configuration(hostUrl="https://x.org", pat=TOKEN, apiVersion=given).api_version == number


@pytest.mark.parametrize(
    "given", [35, 44, 2.35, "2.4", "2.44", "240", "4", "latest", True, [40], "40/../38"], ids=str
)
def test_another_version_is_told(given):
    told = problem(hostUrl="https://x.org", pat=TOKEN, apiVersion=given)
    assert "apiVersion: it is one of 36 to 43" in told


def test_the_version_stands_in_the_address(dhis2):
    get("organisationUnits")(dhis2.state(apiVersion="2.38"))
    assert dhis2.asked == ["GET /api/38/organisationUnits"]


@each_of(ALL)
def test_dhis2_is_asked_not_to_lead_to_its_login_page(dhis2, operate):
    dhis2.holds.metadata["organisationUnits"]["DiszpKrYNg8"] = {**UNIT, "id": "DiszpKrYNg8"}
    dhis2.holds.tracker["events"] = {"Visit000001": VISIT}
    try:
        operate(dhis2.state())
    except RemoteRefused as error:
        assert "it is there already" in str(error)  # noqa: PT017 - create, of what is there
    assert {each.headers["X-Requested-With"] for each in dhis2.served.received} == {
        "XMLHttpRequest"
    }


# Whose problem it is


@each_of(ALL)
def test_a_wrong_credential_is_refused_and_what_to_look_at_is_told(dhis2, operate):
    error = error_of(operate, dhis2.state(password="wrong"))
    assert isinstance(error, RemoteRefused)
    assert "answered 401" in str(error)
    assert "look at its username and password, or whether its pat has run out" in str(error)
    assert len(dhis2.served.received) == 1


@each_of(ALL)
def test_a_missing_right_is_refused_and_told(dhis2, operate):
    dhis2.says({"httpStatus": "Forbidden", "httpStatusCode": 403, "status": "ERROR"}, 403)
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "answered 403" in str(error)
    assert "the user of the credential lacks the right" in str(error)


@each_of(ALL)
@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_trouble_for_now_is_worth_another_try(dhis2, operate, code):
    dhis2.served.troubles.append(status(code, b"<html>busy</html>", Retry_After="7"))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after == 7
    assert f"answered {code}" in str(error)


@each_of(ALL)
def test_a_truncated_answer_is_worth_another_try(dhis2, operate):
    dhis2.served.troubles.append(truncated)
    assert isinstance(error_of(operate, dhis2.state()), RemoteUnavailable)


def test_silence_is_worth_another_try(dhis2):
    dhis2.served.troubles.append(dhis2.served.silent)
    begun = time.monotonic()
    operate = tracker_import({"events": [VISIT]}, timeout=0.05)
    assert isinstance(error_of(operate, dhis2.state()), RemoteUnavailable)
    assert time.monotonic() - begun < 5


def test_a_closed_port_is_worth_another_try(dhis2, closed_url):
    for operate in ALL.values():
        error = error_of(operate, dhis2.state(hostUrl=closed_url))
        assert isinstance(error, RemoteUnavailable)


@each_of(ALL)
def test_a_web_page_in_place_of_json_is_worth_another_try(dhis2, operate):
    dhis2.served.troubles.append(html_page)
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteUnavailable)
    assert "answered 200 OK, but with a web page instead of JSON" in str(error)


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("text/html", b"<p>Down for maintenance</p>"),
        ("application/json", b"\n<!DOCTYPE HTML><p>Down</p>"),
        ("text/plain", b"<HTML>Down</HTML>"),
    ],
)
def test_a_web_page_is_known_by_its_type_or_by_how_it_begins(dhis2, kind, page):
    dhis2.served.troubles.append(status(200, page, Content_Type=kind))
    assert isinstance(error_of(get("events"), dhis2.state()), RemoteUnavailable)


@each_of(ALL)
def test_a_login_page_is_refused_and_what_to_look_at_is_told(dhis2, operate):
    page = b"<!DOCTYPE html><html><form><input name='j_username'></form></html>"
    dhis2.served.troubles.append(status(200, page))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "but with a login page: DHIS2 does not take the credential" in str(error)


@each_of(WRITES)
def test_a_redirect_to_the_login_page_is_refused_and_told(dhis2, operate):
    where = "/dhis-web-commons/security/login.action?token=1"
    dhis2.served.troubles.append(redirect(where))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "a redirect to its login page: DHIS2 does not take the credential" in str(error)
    assert len(dhis2.served.received) == 1


@each_of(READS)
def test_a_redirect_that_is_followed_to_the_login_page_is_refused_and_told(dhis2, operate):
    dhis2.served.troubles.append(redirect("/dhis-web-login/"))
    dhis2.served.troubles.append(status(200, b"<html>DHIS2</html>"))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "but with a login page" in str(error)


@each_of(WRITES)
def test_another_redirect_of_a_write_is_not_followed(dhis2, operate):
    dhis2.served.troubles.append(redirect("https://dhis2.example.org/api/"))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "Set the URL in the credential to the final one." in str(error)
    assert len(dhis2.served.received) == 1


@each_of(ALL)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"busy"),
        ("text/plain", b'{"status": "OK"'),
        ("text/plain", b"[" * 9999),
    ],
    ids=["no JSON", "cut", "deep"],
)
def test_json_that_cannot_be_read_is_refused(dhis2, operate, kind, body):
    dhis2.served.troubles.append(status(200, body, Content_Type=kind))
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "with JSON that cannot be read" in str(error)


@each_of(ALL)
def test_what_is_not_there_is_refused_and_told(dhis2, operate):
    dhis2.says({"httpStatusCode": 404, "status": "ERROR", "message": "Amina Sesay"}, 404)
    error = error_of(operate, dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "this DHIS2 has no such resource or object" in str(error)
    assert "Amina" not in str(error)


def test_what_a_read_is_refused_for_is_in_the_log(dhis2, capsys):
    dhis2.says({"httpStatusCode": 409, "status": "ERROR", "message": "Program is missing"}, 409)
    error = error_of(get("events"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "Program is missing" in capsys.readouterr().out


# What is fetched


def test_what_is_fetched_is_data_and_the_data_before_is_a_reference(dhis2):
    dhis2.holds.metadata["organisationUnits"]["DiszpKrYNg8"] = {**UNIT, "id": "DiszpKrYNg8"}
    after = get("organisationUnits/DiszpKrYNg8")(dhis2.state({"a": 1}))
    assert after["data"]["name"] == "Ngelehun CHC"
    assert after["references"] == [{"a": 1}]


def test_a_query_may_hold_lists_truths_and_values_of_the_state(dhis2):
    query = {"filter": ["name:like:a", data_value("f")], "paging": False, "fields": "id"}
    get("organisationUnits", query)(dhis2.state({"f": "code:eq:1"}))
    assert dhis2.only.args.getlist("filter") == ["name:like:a", "code:eq:1"]
    assert dhis2.only.args["paging"] == "false"


@pytest.mark.parametrize("kind", ["trackedEntities", "enrollments", "events", "relationships"])
def test_what_is_the_trackers_is_fetched_from_it_in_every_version(dhis2, kind):
    get(kind)(dhis2.state())
    get(kind, legacy=True)(dhis2.state()) if kind == "events" else None
    assert dhis2.asked[0] == f"GET /api/tracker/{kind}"
    assert dhis2.asked[1:] == (["GET /api/events"] if kind == "events" else [])


def test_one_object_of_the_trackers_is_fetched_from_it_too(dhis2):
    dhis2.holds.tracker["events"] = {"Visit000001": VISIT}
    for resource in ("events/Visit000001", "/events/Visit000001/", "events?orgUnit=a"):
        get(resource)(dhis2.state())
    assert {each.path for each in dhis2.served.received} == {
        "/api/tracker/events/Visit000001",
        "/api/tracker/events",
    }


def test_what_is_not_json_is_fetched_as_text(dhis2):
    csv = b"code,value\nA,1\n"
    dhis2.served.troubles.append(status(200, csv, Content_Type="application/csv"))
    assert get("sqlViews/abc/data.csv")(dhis2.state())["data"] == "code,value\nA,1\n"


def test_an_object_with_a_status_of_its_own_is_no_import_summary(dhis2):
    dhis2.says({"event": "Visit000001", "status": "ERROR", "conflicts": [{"object": "x"}]})
    assert get("events/Visit000001")(dhis2.state())["data"]["status"] == "ERROR"


@pytest.mark.parametrize("resource", ["", None, 7, "/"])
def test_a_resource_is_named(dhis2, resource):
    error = error_of(get(resource), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "a resource is named by a text" in str(error)


# Dry runs and secrets


def test_a_dry_run_shows_every_request_and_sends_nothing(dhis2):
    with dry_run() as seen:
        for operate in ALL.values():
            operate(dhis2.state())
    assert dhis2.served.received == []
    paths = [f"{each.method} {each.url.removeprefix(dhis2.served.url)}" for each in seen]
    imported = "importStrategy={}&atomicMode=ALL"
    tracker = "POST /api/tracker?async=false&reportMode=WARNINGS&" + imported
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
    assert json.loads(seen[1].body) == {"events": [VISIT]}


@pytest.mark.parametrize("number", [0, 1, 450])
def test_a_dry_run_of_an_import_ends_with_a_report(dhis2, number):
    events = [{"event": f"Visit{n:06d}"} for n in range(number)]
    with dry_run():
        after = tracker_import({"events": events})(dhis2.state())
    assert after["data"]["status"] == "OK"
    assert after["data"]["stats"]["total"] == number


@each_of(ALL)
@pytest.mark.parametrize(
    "trouble",
    [
        status(200, b"{}", Content_Type="application/json"),
        status(401, b'{"message": "admin"}', Content_Type="application/json"),
        status(409, b'{"status": "ERROR"}', Content_Type="application/json"),
        status(503),
        html_page,
        redirect(f"/login?token={TOKEN}"),
    ],
    ids=["200", "401", "409", "503", "page", "redirect"],
)
@pytest.mark.parametrize("pat", [None, TOKEN], ids=["password", "token"])
def test_secrets_are_in_no_state_log_error_or_dry_run(dhis2, capsys, operate, trouble, pat):
    dhis2.served.troubles.append(trouble)
    state = dhis2.state(pat=pat)
    shown = []
    try:
        after = operate(state)
        shown.append(json.dumps({**after, "configuration": None}))
    except AdaptorError as error:
        shown += [str(error), repr(error.__cause__)]
    with dry_run() as seen:
        operate(state)
    shown += [repr(seen), *capsys.readouterr()]
    for secret in (PASSWORD, TOKEN, BASIC):
        assert secret not in "".join(shown)


# uid, attr, dv, find_attribute_value


def test_a_uid_is_one_of_dhis2_and_always_the_same():
    # These are stored in places that were written long ago: the algorithm must not change.
    assert uid("19d72997", "visit")({}) == "LBFPibELgjT"
    assert uid("19d72997-8316-4e02-8016-4a8ddf6a2aa4")({}) == "tVe2ASViOsf"
    assert uid("Zoë", 7, "\U0001f600")({}) == "Yn83vBYluYU"


def test_one_text_makes_the_uid_that_openfn_derives_of_it():
    assert uid("event:DiszpKrYNg8:201401")({}) == "ZyEcOoowtts"


def test_uids_are_valid_different_and_evenly_spread():
    made = [uid(n, "child")({}) for n in range(20_000)]
    assert all(re.fullmatch("[a-zA-Z][a-zA-Z0-9]{10}", each) for each in made)
    assert len(set(made)) == len(made)
    for place, letters in [(0, 52), *((n, 62) for n in range(1, 11))]:
        counts = Counter(each[place] for each in made)
        expected = len(made) / letters
        assert len(counts) == letters
        # Chi squared: its mean is the number of letters, and seven deviations are beyond chance.
        spread = sum((count - expected) ** 2 / expected for count in counts.values())
        assert abs(spread - letters) < 7 * (2 * letters) ** 0.5


def test_the_parts_of_a_uid_may_be_values_of_the_state():
    made = uid(data_value("_uuid"), lambda state: state["index"])
    state = {"data": {"_uuid": "a"}, "index": 3}
    assert made(state) == uid("a", 3)({})
    assert attr(NAME, made)["value"] is made


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_other_parts_make_another_uid(one, other):
    assert uid(*one)({}) != uid(*other)({})


def test_a_number_and_the_same_number_as_text_are_the_same_part():
    assert uid("a", 7)({}) == uid("a", "7")({})
    assert uid("a", date(2026, 3, 9))({}) == uid("a", "2026-03-09")({})


@pytest.mark.parametrize(
    ("part", "told"),
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
def test_a_part_without_a_value_of_its_own_is_the_authors_mistake(part, told):
    with pytest.raises(ConfigurationError) as caught:
        uid("visit", part)({"data": {}})
    assert f"part 2 of uid(…) is {told}; " in str(caught.value)


def test_a_uid_needs_a_part():
    with pytest.raises(ConfigurationError, match="uid needs a part"):
        uid()


def test_a_uid_is_made_for_each_item(dhis2):
    operate = create("events", {**VISIT, "event": uid(data_value("_uuid"))})
    for each in ("a", "b"):
        operate(dhis2.state({"_uuid": each}))
    assert list(dhis2.holds.tracker["events"]) == [uid("a")({}), uid("b")({})]


def test_values_may_stand_in_attributes_and_data_values():
    assert attr(data_value("a"), 1)["attribute"]({"data": {"a": "x"}}) == "x"
    assert dv("f7n9E0hX8qk", 0) == {"dataElement": "f7n9E0hX8qk", "value": 0}
    assert dv("f7n9E0hX8qk", 0, "estimated")["comment"] == "estimated"


@pytest.mark.parametrize(
    ("entity", "asked", "found"),
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
def test_an_attribute_is_found_by_its_uid_or_its_display_name(entity, asked, found):
    assert find_attribute_value(entity, asked) == found


def test_dates_are_sent_in_their_iso_form(dhis2):
    moment = datetime(2026, 3, 9, tzinfo=UTC)
    entity = {"trackedEntity": "PQfMcpmXeFE", "trackedEntityType": PERSON, "orgUnit": FACILITY}
    payload = {"trackedEntities": [{**entity, "createdAtClient": moment}]}
    tracker_import(payload)(dhis2.state())
    kept = dhis2.holds.tracker["trackedEntities"]["PQfMcpmXeFE"]
    assert kept["createdAtClient"] == "2026-03-09T00:00:00+00:00"
