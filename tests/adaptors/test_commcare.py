"""CommCare against a fake server: lists, forms, cases, imports, and failures."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import xmltodict

from adaptors._runtime.run_context import run_context
from adaptors.commcare import (
    bulk_cases,
    get,
    get_cases,
    get_report,
    post,
    submit,
    submit_xml,
    upsert_case,
    upsert_cases,
)
from adaptors.common import data_value, each
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from tests.adaptors.commcare_server import APP, DOMAIN, KEY, OPENROSA, PASSWORD, USER, CommCare
from tests.support.errors import error_of
from tests.support.fake_systems import (
    dry_run_of,
    each_of,
    reset,
    respond,
    serving,
    without_configuration,
)
from tests.support.http_failures import (
    assert_failure_has_verdict,
    assert_no_secrets,
    assert_times_out,
    every_failure,
)
from tests.support.wsgi_server import html_page, status

PAYLOADS = Path(__file__).resolve().parents[1] / "cases/payloads"
SECRETS = [PASSWORD, KEY, f"{USER}:{PASSWORD}", f"{USER}:{KEY}"]
BASIC = {"username": USER, "password": PASSWORD}
both_credentials = pytest.mark.parametrize(
    "credential", [BASIC, {"username": USER, "apiKey": KEY}], ids=["basic", "key"]
)
VISIT = {"@xmlns": "http://example.org/visit", "name": "Amina"}
XML = (
    "<data xmlns='http://x.org/v'><meta><instanceID>7</instanceID></meta><name>Amina</name></data>"
)
ROWS = [{"external_id": "007", "name": "Amina"}, {"external_id": "8", "name": "Kofi"}]
CASE = {"case_type": "patient", "case_name": "Amina", "owner_id": "o"}
OPERATIONS = {
    "get": lambda **options: get("form", **options),
    "get_cases": get_cases,
    "get_report": lambda **options: get_report("r1", **options),
    "post": lambda **options: post("user", {"username": "Amina"}, **options),
    "submit": lambda **options: submit(VISIT, **options),
    "submit_xml": lambda **options: submit_xml(XML, **options),
    "upsert_case": lambda **options: upsert_case("7", CASE, **options),
    "upsert_cases": lambda **options: upsert_cases([{"external_id": "7", **CASE}], **options),
    "bulk_cases": lambda **options: bulk_cases(ROWS, case_type="patient", pause=0.001, **options),
}
each_operation = each_of(OPERATIONS)
STARTED_AT = datetime(2026, 3, 9, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def _server():
    with serving(CommCare()) as commcare:
        yield commcare


@pytest.fixture
def commcare(_server):
    return reset(_server)


def state_for(commcare, data=None, **credential):
    login = credential or BASIC
    configuration = {"hostUrl": commcare.url, "domain": DOMAIN, "appId": APP, **login}
    return {"configuration": configuration, "data": data}


def in_a_run(operate, state, run="message#job"):
    with run_context(run, STARTED_AT):
        return operate(state)


def list_forms(commcare, count, **fields):
    commcare.objects["form"] = [{"id": str(number), **fields} for number in range(count)]
    return commcare.objects["form"]


# Lists


@both_credentials
def test_get_fetches_all_pages_of_a_list(commcare, credential):
    forms = list_forms(commcare, 2500)
    after = get("form")(state_for(commcare, "before", **credential))
    assert after["data"] == forms
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200
    assert after["response"]["meta"]["total_count"] == 2500
    assert len(commcare.served.received) == 3


@pytest.mark.parametrize("prefix", ["", "{url}/a/demo/api/v0.5/form/", None], ids=str)
def test_link_to_the_next_page_may_be_relative_or_absolute(commcare, prefix):
    forms = list_forms(commcare, 1001, xmlns="x")
    commcare.next_prefix = prefix and prefix.format(url=commcare.url)
    after = get("form", {"xmlns": "x"})(state_for(commcare))
    assert after["data"] == forms


def test_query_is_sent_for_every_page(commcare):
    list_forms(commcare, 1100, xmlns="a")
    commcare.objects["form"] += [{"id": "b", "xmlns": "b"}]
    after = get("form", {"xmlns": data_value("xmlns")})(state_for(commcare, {"xmlns": "a"}))
    assert len(after["data"]) == 1100


@pytest.mark.parametrize(
    ("query", "selected", "requests"),
    [
        ({"limit": 7}, slice(0, 7), 1),
        ({"limit": "7"}, slice(0, 7), 1),
        ({"limit": 1100}, slice(0, 1100), 2),
        ({"offset": 1150}, slice(1150, 1170), 1),
        ({"offset": 0, "limit": 30}, slice(0, 30), 1),
    ],
    ids=str,
)
def test_limit_and_offset_select_objects(commcare, query, selected, requests):
    forms = list_forms(commcare, 1200)
    after = get("form", query)(state_for(commcare))
    assert after["data"] == forms[selected]
    assert len(commcare.served.received) == requests


@pytest.mark.parametrize("limit", [0, -1, "all", 1.5])
def test_invalid_limit_is_a_configuration_error(commcare, limit):
    error = error_of(get("form", {"limit": limit}), state_for(commcare))
    assert isinstance(error, ConfigurationError)
    assert commcare.served.received == []


def test_id_fetches_a_single_object(commcare):
    list_forms(commcare, 3)
    after = get("form/1")(state_for(commcare))
    assert after["data"] == {"id": "1"}
    assert error_of(get("form/9"), state_for(commcare)).verdict == "remote"


def test_path_with_a_leading_slash_is_used_as_it_is(commcare):
    list_forms(commcare, 1)
    assert get("/a/demo/api/v0.5/form/")(state_for(commcare))["data"] == [{"id": "0"}]


@pytest.mark.parametrize("path", ["form", "form/", "form/1"])
def test_path_ends_with_a_slash_so_that_nothing_redirects(commcare, path):
    list_forms(commcare, 3)
    get(path)(state_for(commcare))
    assert commcare.served.received[0].path.endswith("/")
    assert len(commcare.served.received) == 1


def test_next_page_at_another_origin_is_not_requested(commcare, elsewhere):
    list_forms(commcare, 1001)
    commcare.next_prefix = f"{elsewhere.url}/a/demo/api/v0.5/form/"
    error = error_of(get("form"), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert elsewhere.received == []


def test_too_many_pages_are_a_configuration_error(commcare):
    list_forms(commcare, 2001)
    error = error_of(get("form", max_pages=2), state_for(commcare))
    assert isinstance(error, ConfigurationError)
    assert "more than 2 pages" in str(error)


def test_failure_on_a_later_page_fails_the_operation(commcare):
    page = {"objects": [1], "meta": {"next": "?offset=1"}}
    commcare.served.failures += [status(200, json.dumps(page).encode()), status(503)]
    assert "503" in str(error_of(get("form"), state_for(commcare)))


def test_get_cases_fetches_all_pages(commcare):
    for number in range(2001):
        commcare.cases[str(number)] = {"case_id": str(number)}
    after = get_cases({"case_type": "patient"})(state_for(commcare))
    assert [case["case_id"] for case in after["data"]] == [str(number) for number in range(2001)]
    assert len(commcare.served.received) == 3
    assert len(get_cases({"limit": 3})(state_for(commcare))["data"]) == 3


def test_get_report_fetches_all_pages(commcare):
    commcare.rows = [{"district": str(number)} for number in range(120)]
    after = get_report("r1", {"state": "x"})(state_for(commcare))
    assert after["data"] == commcare.rows
    assert after["response"]["meta"]["columns"] == [{"header": "District", "slug": "district"}]


def test_post_returns_the_created_object(commcare):
    after = post("user", {"username": data_value("name")})(state_for(commcare, {"name": "Kofi"}))
    assert commcare.users == [{"username": "Kofi"}]
    assert after["data"] == {"id": "user-1"}


# Forms


@both_credentials
def test_submitted_form_is_stored(commcare, credential):
    form = {**VISIT, "visit": [{"date": date(2026, 3, 9)}, {"date": data_value("next")}]}
    after = submit(form)(state_for(commcare, {"next": "2026-03-16"}, **credential))
    (form,) = commcare.forms.values()
    assert form["@xmlns"] == "http://example.org/visit"
    assert form["name"] == "Amina"
    assert form["visit"] == [{"date": "2026-03-09"}, {"date": "2026-03-16"}]
    assert form["meta"]["username"] == USER
    assert form["meta"]["@xmlns"] == "http://openrosa.org/jr/xforms"
    assert after["data"]["nature"] == "submit_success"
    assert after["data"]["instanceID"] == form["meta"]["instanceID"]
    assert after["references"] == [{"next": "2026-03-16"}]


def test_retry_of_a_run_stores_the_form_once(commcare):
    for _ in range(3):
        in_a_run(submit(VISIT), state_for(commcare))
    assert len(commcare.served.received) == 3
    assert len(commcare.writings) == 1


def test_another_run_stores_another_form(commcare):
    in_a_run(submit(VISIT), state_for(commcare), "message-1#job")
    in_a_run(submit(VISIT), state_for(commcare), "message-2#job")
    assert len(commcare.writings) == 2


def test_equal_forms_of_one_run_are_all_stored(commcare):
    names = each("[*]", submit({"@xmlns": "x", "name": data_value("")}))
    for _ in range(2):
        in_a_run(names, state_for(commcare, ["Amina", "Kofi", "Amina"]))
    assert sorted(form["name"] for form in commcare.forms.values()) == ["Amina", "Amina", "Kofi"]
    assert len(commcare.writings) == 3


def test_retry_with_other_rows_replaces_no_form(commcare):
    names = each("[*]", submit({"@xmlns": "x", "name": data_value("")}))
    in_a_run(names, state_for(commcare, ["Amina", "Kofi"]))
    in_a_run(names, state_for(commcare, ["Zainab", "Amina", "Kofi"]))
    names = [form["name"] for form in commcare.forms.values()]
    assert sorted(names) == ["Amina", "Kofi", "Zainab"]
    assert len(commcare.writings) == 3  # no form was replaced and written again


def test_forms_outside_of_a_run_are_all_new(commcare):
    submit(VISIT)(state_for(commcare))
    submit(VISIT)(state_for(commcare))
    assert len(commcare.writings) == 2


def test_instance_id_of_the_job_is_used(commcare):
    form = {**VISIT, "meta": {"instanceID": data_value("id"), "deviceID": "kobo"}}
    after = submit(form)(state_for(commcare, {"id": "uuid-7"}))
    assert commcare.forms["uuid-7"]["meta"]["deviceID"] == "kobo"
    assert after["data"]["instanceID"] == "uuid-7"


def test_openfn_notation_of_attributes_is_accepted(commcare):
    submit({"@": {"xmlns": "http://example.org/visit"}, "question1": 7})(state_for(commcare))
    (form,) = commcare.forms.values()
    assert (form["@xmlns"], form["question1"]) == ("http://example.org/visit", "7")


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (True, "true"),
        (None, None),
        ("", None),
        (3.5, "3.5"),
        (Decimal("1520.5000"), "1520.5000"),
        ("<&>\"'", "<&>\"'"),
        ("naïve 😀 مرحبا", "naïve 😀 مرحبا"),
        ({"#text": "x", "@case_type": "y"}, {"@case_type": "y", "#text": "x"}),
        ([], "absent"),
        ([1], "1"),
    ],
    ids=repr,
)
def test_values_become_texts_of_answers(commcare, value, answer):
    submit({"@xmlns": "x", "answer": value})(state_for(commcare))
    (form,) = commcare.forms.values()
    assert form.get("answer", "absent") == answer


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ({"group1/name": "Amina"}, "'group1/name'"),
        ({"1st": "Amina"}, "'1st'"),
        ({"": "Amina"}, "''"),
        ({"a b": "Amina"}, "'a b'"),
        ({"a": {"b><c": "Amina"}}, "'b><c'"),
        ({"name": "Amina\x0b"}, "name"),
        ({"name": {1, 2}}, "name"),
        ({"age": float("nan")}, "age"),
        ({"meta": "Amina"}, "meta"),
    ],
    ids=repr,
)
def test_invalid_form_data_is_a_configuration_error(commcare, form, key):
    error = error_of(submit(form), state_for(commcare))
    assert isinstance(error, ConfigurationError)
    assert key in str(error)
    assert "Amina" not in str(error)
    assert commcare.served.received == []


@pytest.mark.parametrize("case_id", [data_value("case"), None, ""])
def test_case_without_its_id_is_not_sent(commcare, case_id):
    case = {"@case_id": case_id, "update": {"age": "7"}}
    for form in ({"case": case}, {"child": [{"case": case}]}, {"case": {"update": {}}}):
        error = error_of(submit({**VISIT, **form}), state_for(commcare, {}))
        assert isinstance(error, ConfigurationError)
        assert "has no @case_id" in str(error)
    assert commcare.forms == {}


def test_parent_of_a_case_that_the_record_lacks_is_left_out(commcare):
    index = {"parent": {"@case_type": "household", "#text": data_value("household")}}
    case = {"@case_id": "7", "update": {"age": "7"}, "index": index}
    submit({**VISIT, "case": case})(state_for(commcare, {}))
    (form,) = commcare.forms.values()
    assert not form["case"]["index"]


@pytest.mark.parametrize("name", ["create_case", "close_case", "repeat_group_array", "nulls"])
def test_form_forwarded_by_commcare_can_be_submitted_again(commcare, name):
    path = PAYLOADS / f"commcare_form_{name}.json"
    form = json.loads(path.read_text("utf-8"))["form"]
    submit(form)(state_for(commcare))
    stored = commcare.forms[form["meta"]["instanceID"]]
    assert empty_as_none(stored) == empty_as_none(
        {key: part for key, part in form.items() if key != "#type"}
    )


def empty_as_none(value):
    """Return what XML can express: text for a number, and None for an empty text."""
    if isinstance(value, dict):
        return {key: empty_as_none(part) for key, part in value.items()} or None
    if isinstance(value, list):
        return [empty_as_none(part) for part in value]
    return None if value in {None, ""} else str(value)


def test_xml_is_submitted_unchanged(commcare):
    after = submit_xml(data_value("xml"))(state_for(commcare, {"xml": XML}))
    assert commcare.served.received[0].get_data().decode() == XML
    assert after["data"]["instanceID"] == "7"


def test_xml_is_sent_in_its_declared_encoding(commcare):
    xml = f'<?xml version="1.0" encoding="ISO-8859-1"?>{XML.replace("Amina", "Zoé")}'
    submit_xml(xml)(state_for(commcare))
    assert commcare.forms["7"]["name"] == "Zoé"


@pytest.mark.parametrize(
    ("template", "added"),
    [
        ("<data xmlns='x'><name>Zoé</name>{}</data>", None),
        ("<?xml version='1.0'?>\n<!-- a visit --><o:data xmlns:o='o' >{}</o:data >\n", None),
        ("<d><n>Zoé</n><meta><userID>u</userID>{}</meta></d>", "<instanceID>{}</instanceID>"),
        (
            "<d><g><meta/></g><o:meta xmlns:o='o'>{}</o:meta></d>",
            "<o:instanceID>{}</o:instanceID>",
        ),
        ("<d><meta><instanceID>{}</instanceID></meta></d>", "{}"),
    ],
)
def test_xml_without_an_instance_id_gets_one_and_is_stored_once(commcare, template, added):
    for _ in range(2):
        after = in_a_run(submit_xml(template.format("")), state_for(commcare))
    (instance_id,) = commcare.writings
    assert after["data"]["instanceID"] == instance_id
    sent = commcare.served.received[0].get_data().decode()
    before, after = template.split("{}")
    assert (sent[: len(before)], sent[-len(after) :]) == (before, after)
    meta = sent[len(before) : -len(after)]
    if added is None:
        assert meta.startswith('<meta xmlns="http://openrosa.org/jr/xforms"><deviceID>openfn</')
    else:
        assert meta == added.format(instance_id)
    in_a_run(submit_xml(template.format("")), state_for(commcare), "message-2#job")
    assert len(set(commcare.writings)) == 2


@pytest.mark.parametrize("xml", ["<d/>", "<d a='/>' />", "<d><meta/></d>", "<d><a/><meta /></d>"])
def test_an_empty_element_gets_the_instance_id(commcare, xml):
    after = submit_xml(xml)(state_for(commcare))
    assert commcare.writings == [after["data"]["instanceID"]]


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "Amina",
        "<data>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
    ],
)
def test_invalid_xml_is_a_configuration_error(commcare, xml):
    assert isinstance(error_of(submit_xml(xml), state_for(commcare)), ConfigurationError)
    assert commcare.served.received == []


def test_submit_needs_an_app_id(commcare):
    state = state_for(commcare)
    del state["configuration"]["appId"]
    assert "appId" in str(error_of(submit(VISIT), state))
    get("form")(state)


INDEXED = {
    **VISIT,
    "case": {"@case_id": "c", "index": {"parent": {"@case_type": "household", "#text": "nobody"}}},
}


def test_form_that_commcare_cannot_process_fails_the_run(commcare, capsys):
    error = error_of(submit(INDEXED), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "422" in str(error)
    assert "InvalidCaseIndex" in capsys.readouterr().out
    assert commcare.forms == {}


def openrosa(nature, code=201):
    body = OPENROSA.format(f'<message nature="{nature}">Amina</message>')
    return status(code, body.encode(), Content_Type="text/html")


@pytest.mark.parametrize(
    ("response", "error_type"),
    [
        (openrosa("submit_error"), RemoteRefused),
        (openrosa("submit_error", 200), RemoteRefused),
        (openrosa("", 201), RemoteRefused),
        (openrosa("processing_failure", 422), RemoteRefused),
        (openrosa("post_processing_failure", 422), RemoteUnavailable),
        (openrosa("", 422), RemoteUnavailable),
        (openrosa("submit_error", 500), RemoteRefused),
        (status(500), RemoteUnavailable),
        (status(422), RemoteRefused),
        (openrosa("submit_error", 509), RemoteUnavailable),
        (status(201), RemoteRefused),
        (status(201, b"<other/>"), RemoteRefused),
        (status(201, b"{}"), RemoteRefused),
        (html_page, RemoteRefused),
    ],
    ids=range(14),
)
def test_verdict_depends_on_status_and_nature(commcare, response, error_type):
    commcare.served.failures.append(response)
    error = error_of(submit(VISIT), state_for(commcare))
    assert type(error) is error_type
    assert "Amina" not in str(error)


# Cases


@both_credentials
def test_upsert_case_creates_and_then_changes_a_case(commcare, credential):
    state = state_for(commcare, {"age": 29}, **credential)
    for data in (
        {**CASE, "properties": {"age": data_value("age"), "village": "Kisumu"}},
        {"properties": {"age": 30, "seen": date(2026, 3, 9)}},
    ):
        after = upsert_case("a/b?c#d 7", data)(state)
    (case,) = commcare.cases.values()
    assert case["external_id"] == "a/b?c#d 7"
    assert case["properties"] == {"age": "30", "village": "Kisumu", "seen": "2026-03-09"}
    assert after["data"]["case"]["case_id"] == case["case_id"]


def test_close_stays_a_boolean_and_other_values_become_texts(commcare):
    upsert_case("7", {**CASE, "close": True, "properties": {"a": None, "b": True, "c": 1.5}})(
        state_for(commcare)
    )
    assert commcare.cases["7"]["close"] is True
    assert commcare.cases["7"]["properties"] == {"a": "", "b": "true", "c": "1.5"}


def test_incomplete_case_is_refused(commcare, capsys):
    error = error_of(upsert_case("7", {"case_name": "Amina"}), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "Amina" not in str(error)
    assert "is required" in capsys.readouterr().out


@pytest.mark.parametrize("external_id", ["", None])
def test_case_without_an_external_id_is_not_sent(commcare, external_id):
    for operate in (
        upsert_case(external_id, CASE),
        upsert_cases([{**CASE, "external_id": external_id}]),
    ):
        assert "external_id" in str(error_of(operate, state_for(commcare)))
    assert commcare.served.received == []


def test_list_as_a_property_is_a_configuration_error(commcare):
    operate = upsert_case("7", {**CASE, "properties": {"names": ["Amina"]}})
    assert isinstance(error_of(operate, state_for(commcare)), ConfigurationError)


def test_cases_are_sent_in_batches_of_a_hundred(commcare):
    rows = [{**CASE, "external_id": number} for number in range(250)]
    after = upsert_cases(rows)(state_for(commcare))
    assert [len(ids) for ids in commcare.requests_of_cases] == [100, 100, 50]
    assert len(commcare.cases) == len(after["data"]) == 250
    assert after["data"][3]["external_id"] == "3"


def test_same_case_twice_is_changed_twice_without_a_duplicate(commcare):
    rows = [
        {**CASE, "external_id": name, "properties": {"n": number}}
        for number, name in enumerate(["a", "b", "a", "c", "a"])
    ]
    upsert_cases(rows)(state_for(commcare))
    assert sorted(commcare.cases) == ["a", "b", "c"]
    assert commcare.cases["a"]["properties"] == {"n": "4"}
    assert commcare.requests_of_cases == [["a", "b"], ["a", "c"], ["a"]]


def test_empty_list_of_cases_sends_no_request(commcare):
    assert upsert_cases([])(state_for(commcare))["data"] == []
    assert commcare.served.received == []


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"case": []}', b'{"cases": {}}'])
def test_response_without_the_case_is_refused(commcare, body):
    for operate in (upsert_case("7", CASE), upsert_cases([{**CASE, "external_id": "7"}])):
        commcare.served.failures.append(status(200, body))
        assert isinstance(error_of(operate, state_for(commcare)), RemoteRefused)


# The importer


def import_rows(commcare, rows=ROWS, **options):
    operate = bulk_cases(rows, case_type="patient", pause=0.001, **options)
    return operate(state_for(commcare, "before"))


def test_bulk_cases_waits_for_the_import(commcare):
    commcare.pauses = 3
    after = import_rows(commcare, search_field="external_id", name_column="name")
    (upload,) = commcare.uploads
    assert upload["fields"] == {
        "case_type": "patient",
        "search_field": "external_id",
        "create_new_cases": "on",
        "name_column": "name",
    }
    assert upload["status_requests"] == 4
    assert after["data"]["created_count"] == 2
    assert after["references"] == ["before"]


def test_cells_are_texts(commcare):
    row = {
        "external_id": "007",
        "phone": "+254712",
        "date": "2026-03-09",
        "formula": "=1+1",
        "yes": "yes",
        "number": 29,
        "none": None,
        "url": "https://x.org",
        "long": "x" * 300,
    }
    import_rows(commcare, [row])
    assert commcare.uploads[0]["rows"] == [{**row, "number": "29"}]


def test_rows_with_different_keys_are_different_files(commcare):
    rows = [{"name": "1"}, {"b": "2", "name": "3"}, {"name": "5"}]
    after = import_rows(commcare, rows)
    assert [upload["rows"] for upload in commcare.uploads] == [[rows[0], rows[2]], [rows[1]]]
    assert after["data"]["errors"] == []


def test_create_new_cases_can_be_turned_off(commcare):
    import_rows(commcare, create_new_cases=False)
    assert "create_new_cases" not in commcare.uploads[0]["fields"]


@pytest.mark.parametrize("newer", [False, True], ids=["with 200", "with 500"])
def test_refused_file_is_not_retried(commcare, newer, capsys):
    commcare.refuses_with_500 = newer
    operate = bulk_cases(ROWS, case_type="patient", search_field="name", pause=0.001)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "code 500" in str(error)
    assert "Illegal value" in capsys.readouterr().out


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": 402, "message": "warning"}',
        b'{"code": 200, "message": "success"}',
        b'{"message": "success"}',
        b"[]",
        b"",
    ],
)
def test_upload_without_a_success_code_is_refused(commcare, body):
    commcare.served.failures.append(status(200, body))
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    assert type(error_of(operate, state_for(commcare))) is RemoteRefused


def test_warning_code_is_refused_even_with_a_status_url(commcare):
    import_rows(commcare)
    status_url = f"{commcare.url}/a/demo/importer/excel/status/1/"
    body = {"code": 402, "message": "warning", "status_url": status_url}
    commcare.served.failures.append(status(200, json.dumps(body).encode()))
    error = error_of(bulk_cases(ROWS, case_type="patient", pause=0.001), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "code 402" in str(error)


def test_status_url_may_be_relative(commcare):
    import_rows(commcare)
    status_url = "/a/demo/importer/excel/status/1/"
    body = {"code": 200, "message": "success", "status_url": status_url}
    commcare.served.failures.append(status(200, json.dumps(body).encode()))
    assert import_rows(commcare)["data"]["created_count"] == 2


def test_rows_with_errors_fail_the_run_and_are_named(commcare, capsys):
    commcare.import_errors = [
        {"title": "Invalid Owner Name", "description": "…", "column": "owner_name", "rows": [2, 3]}
    ]
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "[2, 3]" in str(error)
    assert "Invalid Owner Name" in capsys.readouterr().out


def test_failed_import_fails_the_run(commcare):
    commcare.import_fails = True
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "the import failed" in str(error)


def test_import_that_does_not_end_is_not_retried(commcare):
    commcare.pauses = 10**6
    operate = bulk_cases(ROWS, case_type="patient", patience=0.3, pause=0.1)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "did not end within 0.3 s" in str(error)
    assert f"{commcare.url}/a/demo/importer/excel/status/1/" in str(error)
    assert 1 < commcare.uploads[0]["status_requests"] < 10


def test_failures_while_waiting_do_not_upload_again(commcare):
    first = partial(respond, commcare)
    slow_down = status(429, b"<html>slow down</html>", Retry_After="1")
    commcare.served.failures += [first, status(503), slow_down]
    after = import_rows(commcare)
    assert len(commcare.uploads) == 1
    assert after["data"]["created_count"] == 2


def test_status_url_at_another_origin_is_not_requested(commcare, elsewhere):
    body = {"code": 200, "message": "success", "status_url": f"{elsewhere.url}/status/1/"}
    commcare.served.failures.append(status(200, json.dumps(body).encode()))
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    assert isinstance(error_of(operate, state_for(commcare)), RemoteRefused)
    assert elsewhere.received == []


def test_empty_list_of_rows_sends_no_request(commcare):
    assert import_rows(commcare, [])["data"]["created_count"] == 0
    assert commcare.served.received == []


def test_too_long_cell_is_a_configuration_error(commcare):
    operate = bulk_cases([{"note": "x" * 40_000}], case_type="patient")
    assert "note" in str(error_of(operate, state_for(commcare)))
    assert commcare.served.received == []


# Failures


@every_failure(OPERATIONS, read="get", write="submit")
def test_every_http_failure_has_a_verdict(commcare, make, failure):
    assert_failure_has_verdict(failure, commcare.served, make(), state_for(commcare))


@each_operation
def test_operations_time_out(commcare, make):
    assert_times_out(commcare.served, make(timeout=0.05), state_for(commcare))


@pytest.mark.parametrize(
    ("credential", "key"),
    [
        ({"username": USER}, "password or apiKey"),
        ({"password": PASSWORD}, "username"),
        ({"apiKey": KEY}, "username"),
        ({**BASIC, "domain": None}, "domain"),
    ],
)
def test_incomplete_credential_is_a_configuration_error(commcare, credential, key):
    error = error_of(get("form"), state_for(commcare, **credential))
    assert isinstance(error, ConfigurationError)
    assert key in str(error)
    assert_no_secrets(SECRETS, str(error))


def test_default_server_is_commcarehq(commcare):
    state = state_for(commcare)
    del state["configuration"]["hostUrl"]
    _, (request,) = dry_run_of(get("form"), state)
    assert request["url"].startswith("https://www.commcarehq.org/a/demo/api/v0.5/form/")


@both_credentials
@each_operation
def test_no_state_log_error_or_dry_run_contains_a_secret(commcare, make, credential, capsys):
    list_forms(commcare, 1)
    after = make()(state_for(commcare, **credential))
    commcare.served.failures.append(status(401, b"no"))
    error = error_of(make(), state_for(commcare, **credential))
    _, requests = dry_run_of(make(), state_for(commcare, **credential))
    log = capsys.readouterr().out
    assert_no_secrets(SECRETS, without_configuration(after), str(error), requests, log)


# The dry run


@each_operation
def test_dry_run_records_requests_and_sends_none(commcare, make):
    after, requests = dry_run_of(make(), state_for(commcare, "before"))
    assert commcare.served.received == []
    assert after["references"] == ["before"]
    assert {request["headers"]["Authorization"] for request in requests} == {"***"}
    assert all(request["url"].startswith(commcare.url) for request in requests)


def test_dry_run_records_the_form(commcare):
    after, (request,) = dry_run_of(submit(VISIT), state_for(commcare))
    ((_, form),) = xmltodict.parse(request["body"]).items()
    assert form["name"] == "Amina"
    assert after["data"]["nature"] == "submit_success"


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"name": "Amina"}, {"search_field": "external_id"}),
        ({"name": "Amina", "external_id": ""}, {"search_field": "external_id"}),
        ({"case_id": data_value("missing"), "name": "Amina"}, {}),
        ({"id": data_value("missing")}, {"search_column": "id"}),
    ],
)
def test_row_without_its_id_is_an_author_error(commcare, row, options):
    operate = bulk_cases([row], case_type="patient", **options)
    error = error_of(operate, state_for(commcare, {}))
    assert isinstance(error, ConfigurationError)
    assert commcare.uploads == []


def test_missing_property_of_a_case_is_not_changed(commcare):
    rows = [{"case_id": "a", "phone": data_value("phone"), "name": "A"}]
    bulk_cases(rows, case_type="patient", pause=0.001)(state_for(commcare, {}))
    assert commcare.uploads[0]["rows"] == [{"case_id": "a", "name": "A"}]
