"""CommCare, against a small server of it: lists, forms, cases, imports, and what goes wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
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
from tests.adaptors.serving import html_page, served, status
from tests.adaptors.troubles import (
    assert_judged,
    assert_silence_is_waited_for_no_longer,
    assert_untold,
    each_trouble,
    error_of,
    rehearsed,
)

PAYLOADS = Path(__file__).resolve().parents[1] / "cases/payloads"
SECRETS = [PASSWORD, KEY, f"{USER}:{PASSWORD}", f"{USER}:{KEY}"]
BASIC = {"username": USER, "password": PASSWORD}
BOTH = pytest.mark.parametrize(
    "credential", [BASIC, {"username": USER, "apiKey": KEY}], ids=["basic", "key"]
)
VISIT = {"@xmlns": "http://example.org/visit", "name": "Amina"}
XML = (
    "<data xmlns='http://x.org/v'><meta><instanceID>7</instanceID></meta><name>Amina</name></data>"
)
ROWS = [{"external_id": "007", "name": "Amina"}, {"external_id": "8", "name": "Kofi"}]
CASE = {"case_type": "patient", "case_name": "Amina", "owner_id": "o"}
OPERATIONS = {
    "get": lambda **more: get("form", **more),
    "get_cases": get_cases,
    "get_report": lambda **more: get_report("r1", **more),
    "post": lambda **more: post("user", {"username": "Amina"}, **more),
    "submit": lambda **more: submit(VISIT, **more),
    "submit_xml": lambda **more: submit_xml(XML, **more),
    "upsert_case": lambda **more: upsert_case("7", CASE, **more),
    "upsert_cases": lambda **more: upsert_cases([{"external_id": "7", **CASE}], **more),
    "bulk_cases": lambda **more: bulk_cases(ROWS, case_type="patient", pause=0.001, **more),
}
each_operation = pytest.mark.parametrize("make", OPERATIONS.values(), ids=OPERATIONS)
BEGAN = datetime(2026, 3, 9, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def _server():
    commcare = CommCare()
    with served(commcare.app) as there:
        commcare.served, commcare.url = there, there.url
        yield commcare


@pytest.fixture
def commcare(_server):
    _server.begin()
    _server.served.received.clear()
    _server.served.troubles.clear()
    return _server


def state_for(commcare, data=None, **credential):
    own = {"hostUrl": commcare.url, "domain": DOMAIN, "appId": APP, **(credential or BASIC)}
    return {"configuration": own, "data": data}


def in_a_run(operate, state, run="message#job"):
    with run_context(run, BEGAN):
        return operate(state)


def form_list(commcare, number, **more):
    commcare.objects["form"] = [{"id": str(each_number), **more} for each_number in range(number)]
    return commcare.objects["form"]


# Lists


@BOTH
def test_a_list_comes_with_all_its_pages(commcare, credential):
    there = form_list(commcare, 2500)
    after = get("form")(state_for(commcare, "before", **credential))
    assert after["data"] == there
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200
    assert after["response"]["meta"]["total_count"] == 2500
    assert len(commcare.served.received) == 3


@pytest.mark.parametrize("prefix", ["", "{url}/a/demo/api/v0.5/form/", None], ids=str)
def test_the_next_page_may_be_named_in_any_way(commcare, prefix):
    there = form_list(commcare, 1001, xmlns="x")
    commcare.next_prefix = prefix and prefix.format(url=commcare.url)
    after = get("form", {"xmlns": "x"})(state_for(commcare))
    assert after["data"] == there


def test_the_query_holds_on_every_page(commcare):
    form_list(commcare, 1100, xmlns="a")
    commcare.objects["form"] += [{"id": "b", "xmlns": "b"}]
    after = get("form", {"xmlns": data_value("which")})(state_for(commcare, {"which": "a"}))
    assert len(after["data"]) == 1100


@pytest.mark.parametrize(
    ("query", "wanted", "requests"),
    [
        ({"limit": 7}, slice(0, 7), 1),
        ({"limit": "7"}, slice(0, 7), 1),
        ({"limit": 1100}, slice(0, 1100), 2),
        ({"offset": 1150}, slice(1150, 1170), 1),
        ({"offset": 0, "limit": 30}, slice(0, 30), 1),
    ],
    ids=str,
)
def test_limit_and_offset_choose_what_is_fetched(commcare, query, wanted, requests):
    there = form_list(commcare, 1200)
    after = get("form", query)(state_for(commcare))
    assert after["data"] == there[wanted]
    assert len(commcare.served.received) == requests


@pytest.mark.parametrize("limit", [0, -1, "all", 1.5])
def test_a_limit_that_is_none_is_the_authors_mistake(commcare, limit):
    error = error_of(get("form", {"limit": limit}), state_for(commcare))
    assert isinstance(error, ConfigurationError)
    assert commcare.served.received == []


def test_an_id_gives_the_single_object(commcare):
    form_list(commcare, 3)
    after = get("form/1")(state_for(commcare))
    assert after["data"] == {"id": "1"}
    assert error_of(get("form/9"), state_for(commcare)).verdict == "remote"


def test_a_path_with_a_slash_before_it_is_the_servers(commcare):
    form_list(commcare, 1)
    assert get("/a/demo/api/v0.5/form/")(state_for(commcare))["data"] == [{"id": "0"}]


@pytest.mark.parametrize("path", ["form", "form/", "form/1"])
def test_a_path_is_asked_for_with_its_slash_so_that_nothing_redirects(commcare, path):
    form_list(commcare, 3)
    get(path)(state_for(commcare))
    assert commcare.served.received[0].path.endswith("/")
    assert len(commcare.served.received) == 1


def test_a_next_page_at_another_origin_is_refused_and_never_asked_for(commcare, elsewhere):
    form_list(commcare, 1001)
    commcare.next_prefix = f"{elsewhere.url}/a/demo/api/v0.5/form/"
    error = error_of(get("form"), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert elsewhere.received == []


def test_more_pages_than_are_thought_of_are_an_error(commcare):
    form_list(commcare, 2001)
    error = error_of(get("form", max_pages=2), state_for(commcare))
    assert isinstance(error, ConfigurationError)
    assert "more than 2 pages" in str(error)


def test_trouble_on_a_later_page_is_no_short_list(commcare):
    page = {"objects": [1], "meta": {"next": "?offset=1"}}
    commcare.served.troubles += [status(200, json.dumps(page).encode()), status(503)]
    assert "503" in str(error_of(get("form"), state_for(commcare)))


def test_cases_come_with_all_their_pages(commcare):
    for number in range(2001):
        commcare.cases[str(number)] = {"case_id": str(number)}
    after = get_cases({"case_type": "patient"})(state_for(commcare))
    assert [case["case_id"] for case in after["data"]] == [str(each) for each in range(2001)]
    assert len(commcare.served.received) == 3
    assert len(get_cases({"limit": 3})(state_for(commcare))["data"]) == 3


def test_a_report_comes_with_all_its_pages(commcare):
    commcare.rows = [{"district": str(number)} for number in range(120)]
    after = get_report("r1", {"state": "x"})(state_for(commcare))
    assert after["data"] == commcare.rows
    assert after["response"]["meta"]["columns"] == [{"header": "District", "slug": "district"}]


def test_what_the_api_creates_is_the_data(commcare):
    after = post("user", {"username": data_value("name")})(state_for(commcare, {"name": "Kofi"}))
    assert commcare.users == [{"username": "Kofi"}]
    assert after["data"] == {"id": "user-1"}


# Forms


@BOTH
def test_a_form_is_submitted_and_there(commcare, credential):
    form = {**VISIT, "visit": [{"date": date(2026, 3, 9)}, {"date": data_value("next")}]}
    after = submit(form)(state_for(commcare, {"next": "2026-03-16"}, **credential))
    (kept,) = commcare.forms.values()
    assert kept["@xmlns"] == "http://example.org/visit"
    assert kept["name"] == "Amina"
    assert kept["visit"] == [{"date": "2026-03-09"}, {"date": "2026-03-16"}]
    assert kept["meta"]["username"] == USER
    assert kept["meta"]["@xmlns"] == "http://openrosa.org/jr/xforms"
    assert after["data"]["nature"] == "submit_success"
    assert after["data"]["instanceID"] == kept["meta"]["instanceID"]
    assert after["references"] == [{"next": "2026-03-16"}]


def test_a_retry_of_a_run_submits_the_same_form_once(commcare):
    for _ in range(3):
        in_a_run(submit(VISIT), state_for(commcare))
    assert len(commcare.served.received) == 3
    assert len(commcare.writings) == 1


def test_another_run_submits_another_form(commcare):
    in_a_run(submit(VISIT), state_for(commcare), "message-1#job")
    in_a_run(submit(VISIT), state_for(commcare), "message-2#job")
    assert len(commcare.writings) == 2


def test_each_form_of_a_run_is_another_even_if_they_are_alike(commcare):
    names = each("[*]", submit({"@xmlns": "x", "name": data_value("")}))
    for _ in range(2):
        in_a_run(names, state_for(commcare, ["Amina", "Kofi", "Amina"]))
    assert sorted(form["name"] for form in commcare.forms.values()) == ["Amina", "Amina", "Kofi"]
    assert len(commcare.writings) == 3


def test_a_retry_that_reads_other_rows_puts_none_in_the_place_of_another(commcare):
    names = each("[*]", submit({"@xmlns": "x", "name": data_value("")}))
    in_a_run(names, state_for(commcare, ["Amina", "Kofi"]))
    in_a_run(names, state_for(commcare, ["Zainab", "Amina", "Kofi"]))
    names = [form["name"] for form in commcare.forms.values()]
    assert sorted(names) == ["Amina", "Kofi", "Zainab"]
    assert len(commcare.writings) == 3  # none was replaced by another and written anew


def test_outside_of_a_run_each_form_is_a_new_one(commcare):
    submit(VISIT)(state_for(commcare))
    submit(VISIT)(state_for(commcare))
    assert len(commcare.writings) == 2


def test_an_instance_id_of_the_job_is_kept(commcare):
    form = {**VISIT, "meta": {"instanceID": data_value("id"), "deviceID": "kobo"}}
    after = submit(form)(state_for(commcare, {"id": "uuid-7"}))
    assert commcare.forms["uuid-7"]["meta"]["deviceID"] == "kobo"
    assert after["data"]["instanceID"] == "uuid-7"


def test_openfns_notation_of_attributes_is_understood(commcare):
    submit({"@": {"xmlns": "http://example.org/visit"}, "question1": 7})(state_for(commcare))
    (form,) = commcare.forms.values()
    assert (form["@xmlns"], form["question1"]) == ("http://example.org/visit", "7")


@pytest.mark.parametrize(
    ("value", "kept"),
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
def test_a_value_is_the_text_of_an_answer(commcare, value, kept):
    submit({"@xmlns": "x", "answer": value})(state_for(commcare))
    (form,) = commcare.forms.values()
    assert form.get("answer", "absent") == kept


@pytest.mark.parametrize(
    ("form", "named"),
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
def test_what_no_form_can_hold_is_the_authors_mistake_and_named(commcare, form, named):
    error = error_of(submit(form), state_for(commcare))
    assert isinstance(error, ConfigurationError)
    assert named in str(error)
    assert "Amina" not in str(error)
    assert commcare.served.received == []


@pytest.mark.parametrize("name", ["create_case", "close_case", "repeat_group_array", "nulls"])
def test_a_form_that_commcare_forwarded_can_be_submitted_as_it_is(commcare, name):
    path = PAYLOADS / f"commcare_form_{name}.json"
    form = json.loads(path.read_text("utf-8"))["form"]
    submit(form)(state_for(commcare))
    kept = commcare.forms[form["meta"]["instanceID"]]
    assert empty_as_none(kept) == empty_as_none(
        {key: part for key, part in form.items() if key != "#type"}
    )


def empty_as_none(value):
    """XML does not tell an empty text from nothing, nor a number from its digits."""
    if isinstance(value, dict):
        return {key: empty_as_none(part) for key, part in value.items()} or None
    if isinstance(value, list):
        return [empty_as_none(part) for part in value]
    return None if value in {None, ""} else str(value)


def test_ready_xml_is_submitted_as_it_is(commcare):
    after = submit_xml(data_value("xml"))(state_for(commcare, {"xml": XML}))
    assert commcare.served.received[0].get_data().decode() == XML
    assert after["data"]["instanceID"] == "7"


def test_xml_leaves_in_the_encoding_that_it_declares(commcare):
    xml = f'<?xml version="1.0" encoding="ISO-8859-1"?>{XML.replace("Amina", "Zoé")}'
    submit_xml(xml)(state_for(commcare))
    assert commcare.forms["7"]["name"] == "Zoé"


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "Amina",
        "<data>",
        "<data/>",
        "<data><meta/></data>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
    ],
)
def test_xml_that_is_none_or_has_no_instance_id_is_the_authors_mistake(commcare, xml):
    assert isinstance(error_of(submit_xml(xml), state_for(commcare)), ConfigurationError)
    assert commcare.served.received == []


def test_a_credential_without_an_application_cannot_submit(commcare):
    state = state_for(commcare)
    del state["configuration"]["appId"]
    assert "appId" in str(error_of(submit(VISIT), state))
    get("form")(state)


INDEXED = {
    **VISIT,
    "case": {"@case_id": "c", "index": {"parent": {"@case_type": "household", "#text": "nobody"}}},
}


def test_a_form_that_commcare_cannot_process_fails_the_run(commcare, capsys):
    error = error_of(submit(INDEXED), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "422" in str(error)
    assert "InvalidCaseIndex" in capsys.readouterr().out
    assert commcare.forms == {}


def said(nature, code=201):
    answer = OPENROSA.format(f'<message nature="{nature}">Amina</message>')
    return status(code, answer.encode(), Content_Type="text/html")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said("submit_error"), RemoteRefused),
        (said("submit_error", 200), RemoteRefused),
        (said("", 201), RemoteRefused),
        (said("processing_failure", 422), RemoteRefused),
        (said("post_processing_failure", 422), RemoteUnavailable),
        (said("", 422), RemoteUnavailable),
        (said("submit_error", 500), RemoteRefused),
        (status(500), RemoteUnavailable),
        (status(422), RemoteRefused),
        (said("submit_error", 509), RemoteUnavailable),
        (status(201), RemoteRefused),
        (status(201, b"<other/>"), RemoteRefused),
        (status(201, b"{}"), RemoteRefused),
        (html_page, RemoteRefused),
    ],
    ids=range(14),
)
def test_the_nature_of_an_answer_decides_and_not_its_status_alone(commcare, answer, kind, capsys):
    commcare.served.troubles.append(answer)
    error = error_of(submit(VISIT), state_for(commcare))
    assert type(error) is kind
    assert "Amina" not in str(error)


# Cases


@BOTH
def test_a_case_is_created_and_then_changed(commcare, credential):
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


def test_closing_a_case_stays_a_truth_and_other_values_become_texts(commcare):
    upsert_case("7", {**CASE, "close": True, "properties": {"a": None, "b": True, "c": 1.5}})(
        state_for(commcare)
    )
    assert commcare.cases["7"]["close"] is True
    assert commcare.cases["7"]["properties"] == {"a": "", "b": "true", "c": "1.5"}


def test_a_case_that_lacks_something_is_refused(commcare, capsys):
    error = error_of(upsert_case("7", {"case_name": "Amina"}), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "Amina" not in str(error)
    assert "is required" in capsys.readouterr().out


@pytest.mark.parametrize("external_id", ["", None])
def test_a_case_without_an_external_id_is_not_sent(commcare, external_id):
    for operate in (
        upsert_case(external_id, CASE),
        upsert_cases([{**CASE, "external_id": external_id}]),
    ):
        assert "external_id" in str(error_of(operate, state_for(commcare)))
    assert commcare.served.received == []


def test_a_value_that_is_no_text_is_the_authors_mistake(commcare):
    operate = upsert_case("7", {**CASE, "properties": {"names": ["Amina"]}})
    assert isinstance(error_of(operate, state_for(commcare)), ConfigurationError)


def test_many_cases_go_a_hundred_at_a_time(commcare):
    rows = [{**CASE, "external_id": number} for number in range(250)]
    after = upsert_cases(rows)(state_for(commcare))
    assert [len(ids) for ids in commcare.requests_of_cases] == [100, 100, 50]
    assert len(commcare.cases) == len(after["data"]) == 250
    assert after["data"][3]["external_id"] == "3"


def test_a_case_twice_in_one_call_is_changed_twice_and_no_duplicate(commcare):
    rows = [
        {**CASE, "external_id": name, "properties": {"n": number}}
        for number, name in enumerate(["a", "b", "a", "c", "a"])
    ]
    upsert_cases(rows)(state_for(commcare))
    assert sorted(commcare.cases) == ["a", "b", "c"]
    assert commcare.cases["a"]["properties"] == {"n": "4"}
    assert commcare.requests_of_cases == [["a", "b"], ["a", "c"], ["a"]]


def test_no_cases_are_no_request(commcare):
    assert upsert_cases([])(state_for(commcare))["data"] == []
    assert commcare.served.received == []


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"case": []}', b'{"cases": {}}'])
def test_an_answer_without_the_case_is_no_success(commcare, body):
    for operate in (upsert_case("7", CASE), upsert_cases([{**CASE, "external_id": "7"}])):
        commcare.served.troubles.append(status(200, body))
        assert isinstance(error_of(operate, state_for(commcare)), RemoteRefused)


# The importer


def imported(commcare, rows=ROWS, **more):
    operate = bulk_cases(rows, case_type="patient", pause=0.001, **more)
    return operate(state_for(commcare, "before"))


def test_rows_are_imported_and_the_import_waited_for(commcare):
    commcare.pauses = 3
    after = imported(commcare, search_field="external_id", name_column="name")
    (upload,) = commcare.uploads
    assert upload["fields"] == {
        "case_type": "patient",
        "search_field": "external_id",
        "create_new_cases": "on",
        "name_column": "name",
    }
    assert upload["asked"] == 4
    assert after["data"]["created_count"] == 2
    assert after["references"] == ["before"]


def test_each_cell_is_the_text_it_was(commcare):
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
    imported(commcare, [row])
    assert commcare.uploads[0]["rows"] == [{**row, "number": "29"}]


def test_rows_with_other_keys_keep_their_columns(commcare):
    imported(commcare, [{"a": "1"}, {"b": "2", "a": "3"}, {"c": "4"}])
    assert commcare.uploads[0]["rows"] == [
        {"a": "1", "b": None, "c": None},
        {"a": "3", "b": "2", "c": None},
        {"a": None, "b": None, "c": "4"},
    ]


def test_without_new_cases_none_is_asked_for(commcare):
    imported(commcare, create_new_cases=False)
    assert "create_new_cases" not in commcare.uploads[0]["fields"]


@pytest.mark.parametrize("newer", [False, True], ids=["with 200", "with 500"])
def test_a_file_that_is_refused_fails_the_run_for_good(commcare, newer, capsys):
    commcare.refusals_cost_500 = newer
    operate = bulk_cases(ROWS, case_type="patient", search_field="name", pause=0.001)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "code 500" in str(error)
    assert "Illegal value" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"code": 402, "message": "warning"}', RemoteRefused),
        (b'{"code": 200, "message": "success"}', RemoteRefused),
        (b'{"message": "success"}', RemoteRefused),
        (b"[]", RemoteRefused),
        (b"", RemoteRefused),
    ],
)
def test_an_upload_without_a_success_is_none(commcare, body, kind):
    commcare.served.troubles.append(status(200, body))
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    assert type(error_of(operate, state_for(commcare))) is kind


def test_a_warning_is_no_success_even_with_a_status_to_look_at(commcare):
    imported(commcare)
    where = f"{commcare.url}/a/demo/importer/excel/status/1/"
    answer = {"code": 402, "message": "warning", "status_url": where}
    commcare.served.troubles.append(status(200, json.dumps(answer).encode()))
    error = error_of(bulk_cases(ROWS, case_type="patient", pause=0.001), state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "code 402" in str(error)


def test_a_status_may_be_named_by_its_path_alone(commcare):
    imported(commcare)
    where = "/a/demo/importer/excel/status/1/"
    answer = {"code": 200, "message": "success", "status_url": where}
    commcare.served.troubles.append(status(200, json.dumps(answer).encode()))
    assert imported(commcare)["data"]["created_count"] == 2


def test_rows_with_errors_fail_the_run_and_are_named(commcare, capsys):
    commcare.import_errors = [
        {"title": "Invalid Owner Name", "description": "…", "column": "owner_name", "rows": [2, 3]}
    ]
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "[2, 3]" in str(error)
    assert "Invalid Owner Name" in capsys.readouterr().out


def test_an_import_that_fails_fails_the_run(commcare):
    commcare.import_fails = True
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "the import failed" in str(error)


def test_an_import_that_does_not_end_is_not_uploaded_again_by_a_retry(commcare):
    commcare.pauses = 10**6
    operate = bulk_cases(ROWS, case_type="patient", patience=0.02, pause=0.005)
    error = error_of(operate, state_for(commcare))
    assert isinstance(error, RemoteRefused)
    assert "did not end within 0.02 s" in str(error)
    assert f"{commcare.url}/a/demo/importer/excel/status/1/" in str(error)
    assert 1 < commcare.uploads[0]["asked"] < 10


def test_trouble_while_waiting_is_no_reason_to_upload_again(commcare):
    commcare.served.troubles += [lambda request: passed(commcare, request), status(503), html429]
    after = imported(commcare)
    assert len(commcare.uploads) == 1
    assert after["data"]["created_count"] == 2


def passed(commcare, request):
    """Let the first request through, so that the troubles meet those after it."""
    with commcare.app.request_context(request.environ):
        return commcare.app.full_dispatch_request()


html429 = status(429, b"<html>slow down</html>", Retry_After="1")


def test_a_status_at_another_origin_is_refused_and_never_asked_for(commcare, elsewhere):
    answer = {"code": 200, "message": "success", "status_url": f"{elsewhere.url}/status/1/"}
    commcare.served.troubles.append(status(200, json.dumps(answer).encode()))
    operate = bulk_cases(ROWS, case_type="patient", pause=0.001)
    assert isinstance(error_of(operate, state_for(commcare)), RemoteRefused)
    assert elsewhere.received == []


def test_no_rows_are_no_request(commcare):
    assert imported(commcare, [])["data"]["created_count"] == 0
    assert commcare.served.received == []


def test_a_cell_that_excel_cannot_hold_is_named_and_not_cut(commcare):
    operate = bulk_cases([{"note": "x" * 40_000}], case_type="patient")
    assert "note" in str(error_of(operate, state_for(commcare)))
    assert commcare.served.received == []


# What goes wrong


@each_trouble()
@each_operation
def test_each_trouble_is_judged(commcare, trouble, make):
    assert_judged(trouble, commcare.served, make(), state_for(commcare))


@each_operation
def test_silence_is_not_waited_for_forever(commcare, make):
    assert_silence_is_waited_for_no_longer(commcare.served, make(timeout=0.05), state_for(commcare))


@pytest.mark.parametrize(
    ("credential", "named"),
    [
        ({"username": USER}, "password or apiKey"),
        ({"password": PASSWORD}, "username"),
        ({"apiKey": KEY}, "username"),
        ({**BASIC, "domain": None}, "domain"),
    ],
)
def test_half_a_credential_is_the_authors_mistake(commcare, credential, named):
    error = error_of(get("form"), state_for(commcare, **credential))
    assert isinstance(error, ConfigurationError)
    assert named in str(error)
    assert_untold(SECRETS, str(error))


def test_a_credential_without_a_server_is_for_commcarehq(commcare):
    state = state_for(commcare)
    del state["configuration"]["hostUrl"]
    _, (seen,) = rehearsed(get("form"), state)
    assert seen["url"].startswith("https://www.commcarehq.org/a/demo/api/v0.5/form/")


@BOTH
@each_operation
def test_no_secret_is_told(commcare, make, credential, capsys):
    form_list(commcare, 1)
    after = make()(state_for(commcare, **credential))
    commcare.served.troubles.append(status(401, b"no"))
    error = error_of(make(), state_for(commcare, **credential))
    _, seen = rehearsed(make(), state_for(commcare, **credential))
    kept = {key: part for key, part in after.items() if key != "configuration"}
    assert_untold(SECRETS, kept, str(error), seen, capsys.readouterr().out)


# The dry run


@each_operation
def test_a_dry_run_shows_its_requests_and_sends_none(commcare, make):
    after, seen = rehearsed(make(), state_for(commcare, "before"))
    assert commcare.served.received == []
    assert after["references"] == ["before"]
    assert {request["headers"]["Authorization"] for request in seen} == {"***"}
    assert all(request["url"].startswith(commcare.url) for request in seen)


def test_a_dry_run_shows_the_form(commcare):
    after, (seen,) = rehearsed(submit(VISIT), state_for(commcare))
    ((_, form),) = xmltodict.parse(seen["body"]).items()
    assert form["name"] == "Amina"
    assert after["data"]["nature"] == "submit_success"
