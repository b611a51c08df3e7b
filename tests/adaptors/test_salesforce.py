"""Salesforce: operations on one record, and the verdicts of errors."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from adaptors.common import data_value, each, field, fields, last_reference_value
from adaptors.errors import RemoteRefused, RemoteUnavailable
from adaptors.salesforce import (
    create,
    create_if,
    destroy,
    query,
    relationship,
    update,
    upsert,
    upsert_if,
)
from tests.support.errors import error_of
from tests.support.wsgi_server import html_page, redirect, status, truncated

CREATE = create("Contact", {"LastName": "Amina"})
UPSERT = upsert("Contact", "MRN__c", {"MRN__c": "mrn-4711", "LastName": "Amina"})


def test_importing_the_adaptor_does_not_load_simple_salesforce():
    code = (
        "import sys, adaptors.salesforce; print({'simple_salesforce', 'lxml'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert process.stdout.strip() == b"set()"


def errors(code, *fields):
    return json.dumps([{"message": "a message", "errorCode": code, "fields": fields}]).encode()


# Create


def test_a_record_is_created_and_data_is_the_summary(salesforce):
    state = create("Contact", {"LastName": data_value("name")})(salesforce.state({"name": "Amina"}))
    ((id_, record),) = salesforce.org.records["Contact"].items()
    assert record == {"Id": id_, "LastName": "Amina"}
    assert state["data"] == {"id": id_, "success": True, "completed": [id_], "errors": []}


def test_the_last_reference_is_the_new_record(salesforce):
    state = salesforce.state({"name": "Amina"})
    for operate in (
        create("Account", {"Name": data_value("name")}),
        create("Contact", {"LastName": "Amina", "AccountId": last_reference_value("id")}),
    ):
        state = operate(state)
    (account,) = salesforce.org.records["Account"]
    (contact,) = salesforce.org.records["Contact"].values()
    assert contact["AccountId"] == account
    assert state["references"][-1] == {"name": "Amina"}


def test_the_last_reference_is_the_new_record_inside_and_after_each(salesforce):
    state = each("names", create("Contact", {"LastName": data_value("name")}))(
        salesforce.state({"names": [{"name": "Amina"}, {"name": "Kofi"}]})
    )
    assert state["data"] == {"names": [{"name": "Amina"}, {"name": "Kofi"}]}
    assert last_reference_value("id")(state) == list(salesforce.org.records["Contact"])[-1]


def test_a_relationship_links_to_the_record_with_an_external_id(salesforce):
    (patient,) = create("Patient__c", {"MRN__c": "7"})(salesforce.state())["data"]["completed"]
    visit = fields(
        field("Name", "Visit 1"), relationship("Patient__r", "MRN__c", data_value("mrn"))
    )
    create("Visit__c", visit)(salesforce.state({"mrn": "7"}))
    (record,) = salesforce.org.records["Visit__c"].values()
    assert record["Patient__c"] == patient
    assert json.loads(salesforce.received[-1].get_data()) == {
        "Name": "Visit 1",
        "Patient__r": {"MRN__c": "7"},
    }


@pytest.mark.parametrize(("new", "count"), [(True, 1), (False, 0), (None, 0)])
@pytest.mark.parametrize(
    "operate",
    [
        create_if(data_value("new"), "Contact", {"LastName": data_value("name")}),
        upsert_if(
            data_value("new"), "Contact", "MRN__c", {"MRN__c": "7", "LastName": data_value("name")}
        ),
    ],
    ids=["create_if", "upsert_if"],
)
def test_create_if_and_upsert_if_depend_on_their_condition(salesforce, operate, new, count):
    state = salesforce.state({"new": new, "name": "Amina"})
    after = operate(state)
    assert len(salesforce.org.all("Contact")) == len(salesforce.requests) == count
    assert (after == state) is not bool(new)


def test_arguments_are_resolved_only_if_the_condition_is_true(salesforce):
    operate = create_if(False, "Contact", lambda state: state["data"]["missing"]["key"])  # noqa: FBT003 - OpenFn's order
    assert operate(salesforce.state({})) == salesforce.state({})


# Update, upsert and delete


def test_a_record_is_updated_by_its_id(salesforce):
    (id_,) = CREATE(salesforce.state())["data"]["completed"]
    state = update("Contact", {"Id": id_, "Title": "Nurse"})(salesforce.state())
    assert salesforce.org.records["Contact"][id_] == {
        "Id": id_,
        "LastName": "Amina",
        "Title": "Nurse",
    }
    assert state["data"] == {"id": id_, "success": True, "completed": [id_], "errors": []}
    assert json.loads(salesforce.received[-1].get_data()) == {"Title": "Nurse"}


def test_a_record_upserted_twice_exists_once(salesforce):
    summaries = [
        upsert("Contact", "MRN__c", {"MRN__c": "7", "LastName": name})(salesforce.state())["data"]
        for name in ("Amina", "Amina Diallo")
    ]
    ((id_, record),) = salesforce.org.records["Contact"].items()
    assert record == {"Id": id_, "MRN__c": "7", "LastName": "Amina Diallo"}
    assert [summary["created"] for summary in summaries] == [True, False]
    assert [summary["id"] for summary in summaries] == [id_, id_]


@pytest.mark.parametrize("value", ["uuid:4e/1", "a b&c=é?#", "50%2F", "..a", 4711, 0])
def test_an_external_id_may_contain_any_characters(salesforce, value):
    for _ in range(2):
        upsert("Contact", "MRN__c", {"MRN__c": value, "LastName": "Amina"})(salesforce.state())
    (record,) = salesforce.org.records["Contact"].values()
    assert record["MRN__c"] == str(value)
    uri = salesforce.received[-1].environ["REQUEST_URI"]
    assert uri.endswith(f"/sobjects/Contact/MRN__c/{quote(str(value), safe='')}")


@pytest.mark.parametrize("value", [None, "", " ", ".", "..", True, 1.5, {}, []], ids=repr)
def test_a_record_without_an_external_id_is_not_sent(salesforce, value):
    error = error_of(upsert("Contact", "MRN__c", {"MRN__c": value}), salesforce.state())
    assert error.verdict == "author"
    assert "records[0] needs a value for the external id MRN__c" in str(error)
    assert salesforce.received == []


def test_a_response_without_body_is_a_success_without_an_id(salesforce):
    UPSERT(salesforce.state())
    salesforce.respond_with(status(204))
    state = UPSERT(salesforce.state())
    assert state["data"] == {"id": None, "success": True, "completed": [None], "errors": []}


def test_an_external_id_of_several_records_is_refused(salesforce, capsys):
    for _ in range(2):
        create("Contact", {"LastName": "Amina", "MRN__c": "mrn-4711"})(salesforce.state())
    error = error_of(UPSERT, salesforce.state())
    assert error.verdict == "remote"
    assert "sobjects/Contact/MRN__c/… answered 300" in str(error)
    assert "several records have this external id" in str(error)
    assert "mrn-4711" not in str(error)
    log = capsys.readouterr().out
    assert all(id_ in log for id_ in salesforce.org.records["Contact"])


def test_a_record_can_be_deleted_twice(salesforce):
    (id_,) = CREATE(salesforce.state())["data"]["completed"]
    for _ in range(2):
        state = destroy("Contact", last_reference_value("id"))(
            {**salesforce.state(), "references": [{"id": id_}]}
        )
        assert state["data"] == {"success": True, "completed": [id_], "errors": []}
    assert salesforce.org.records["Contact"] == {}


# Invalid arguments


@pytest.mark.parametrize(
    ("operate", "message"),
    [
        (
            create("Contact", {"Account.Name": "x"}),
            "Write relationship('Account', 'Name', …) instead",
        ),
        (create("Contact", {1: "x"}), "records[0] has a key that is not text"),
        (create("Contact", None), "records must be a dict or a list of dicts, not NoneType"),
        (create("Contact", "Amina"), "records must be a dict or a list of dicts, not str"),
        (create("Contact", [{}, None]), "records[1] must be a dict, not NoneType"),
        (create("Contact/../User", {}), "sobject must be an API name such as Contact"),
        (create(data_value("missing"), {}), "create needs a value for sobject"),
        (upsert("Contact", "MRN__c/x", {}), "external_id must be an API name"),
        (update("Contact", {"LastName": "x"}), "The Id of records[0] must have 15 or 18"),
        (update("Contact", {"Id": "../003"}), "The Id of records[0] must have 15 or 18"),
        (destroy("Contact", ["003000000000001AAA", None]), "ids[1] must have 15 or 18"),
        (destroy("Contact", "003000000000001,003"), "ids[0] must have 15 or 18"),
    ],
    ids=range(12),
)
def test_invalid_arguments_are_author_errors_and_nothing_is_sent(salesforce, operate, message):
    error = error_of(operate, salesforce.state({}))
    assert error.verdict == "author"
    assert message in str(error)
    assert salesforce.received == []


# Verdicts


def test_a_refusal_has_code_and_fields_and_the_log_has_the_message(salesforce, capsys):
    error = error_of(create("Contact", {"Title": "Nurse"}), salesforce.state())
    assert error.verdict == "remote"
    assert str(error).endswith("400 BAD REQUEST: REQUIRED_FIELD_MISSING (LastName).")
    assert "Required fields are missing" in capsys.readouterr().out


def test_a_message_that_quotes_the_record_is_only_in_the_log(salesforce, capsys):
    record = {"LastName": "Future", "HIV__c": "positive"}
    error = error_of(create("Contact", record), salesforce.state())
    assert error.verdict == "remote"
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in str(error)
    assert "positive" not in str(error)
    assert "positive" in capsys.readouterr().out


def test_an_invalid_error_code_is_not_shown(salesforce):
    _log_in(salesforce)
    salesforce.respond_with(status(400, errors("Amina <b>Diallo</b>", "a value")))
    assert str(error_of(CREATE, salesforce.state())).endswith("answered 400 BAD REQUEST.")


REFUSED_CODES = ["DUPLICATES_DETECTED", "INVALID_FIELD", "STRING_TOO_LONG"]
RETRYABLE_RESPONSES = [
    (400, "UNABLE_TO_LOCK_ROW"),
    (409, "UNABLE_TO_LOCK_ROW"),
    (403, "REQUEST_LIMIT_EXCEEDED"),
    (503, "SERVER_UNAVAILABLE"),
    (500, "UNKNOWN_EXCEPTION"),
]


@pytest.mark.parametrize("code", REFUSED_CODES)
def test_permanent_errors_are_refusals(salesforce, code):
    _log_in(salesforce)
    salesforce.respond_with(status(400, errors(code, "MRN__c")))
    error = error_of(UPSERT, salesforce.state())
    assert error.verdict == "remote"
    assert f"{code} (MRN__c)" in str(error)


@pytest.mark.parametrize(
    ("message", "fields", "verdict"),
    [
        ("a message", ["MRN__c"], "remote-for-now"),
        ("a message", ["Phone"], "remote"),
        ("duplicate value found: MRN__c duplicates value on record with id: 003", [], None),
        (
            "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
            [],
            None,
        ),
        ("duplicate value found: Email__c duplicates value on record with id: 003", [], "remote"),
    ],
)
@pytest.mark.parametrize("in_a_list", [False, True])
def test_duplicate_of_an_upserts_own_key_is_retryable(
    salesforce, message, fields, verdict, in_a_list
):
    _log_in(salesforce)
    error = {"statusCode": "DUPLICATE_VALUE", "message": message, "fields": fields}
    rows, record = [{"success": False, "errors": [error]}], {"MRN__c": "7", "LastName": "Diallo"}
    body = rows if in_a_list else [error]
    salesforce.respond_with(status(200 if in_a_list else 400, json.dumps(body).encode()))
    operate = upsert("Contact", "MRN__c", [record] if in_a_list else record)
    assert error_of(operate, salesforce.state()).verdict == (verdict or "remote-for-now")
    salesforce.respond_with(status(400, json.dumps([error]).encode()))
    assert error_of(create("Contact", record), salesforce.state()).verdict == "remote"


@pytest.mark.parametrize(("http_status", "code"), RETRYABLE_RESPONSES)
def test_temporary_errors_are_retryable(salesforce, http_status, code):
    _log_in(salesforce)
    salesforce.respond_with(status(http_status, errors(code), Retry_After="7"))
    error = error_of(UPSERT, salesforce.state())
    assert error.verdict == "remote-for-now"
    assert code in str(error)
    assert error.retry_after == 7


OPERATIONS = {"create": CREATE, "upsert": UPSERT, "query": query("SELECT Id FROM Contact")}
FAILURES = {
    "400": (status(400, b"?"), "remote", "answered 400"),
    "401 for something else": (status(401, b"[]"), "remote", "answered 401"),
    "403": (status(403, errors("INSUFFICIENT_ACCESS")), "remote", "INSUFFICIENT_ACCESS"),
    "404": (status(404, errors("NOT_FOUND")), "remote", "NOT_FOUND"),
    "429": (status(429), "remote-for-now", "answered 429"),
    "503": (status(503, b"<html>"), "remote-for-now", "answered 503"),
    "page": (html_page, "remote", "is not the expected JSON"),
    "nothing": (status(200), "remote", "is not the expected JSON"),
    "truncated": (truncated, "remote-for-now", "the connection failed"),
    "redirect": (redirect("https://elsewhere.example/a?b"), "remote", "elsewhere.example/a."),
}


@pytest.mark.parametrize("operate", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize(("failure", "verdict", "message"), FAILURES.values(), ids=FAILURES)
def test_every_http_failure_has_a_verdict_and_no_value_in_its_error(
    salesforce, operate, failure, verdict, message
):
    _log_in(salesforce)
    salesforce.respond_with(failure)
    error = error_of(operate, salesforce.state())
    assert error.verdict == verdict
    assert message in str(error)
    assert "4711" not in str(error)
    assert "SELECT" not in str(error)
    assert salesforce.org.all("Contact") == {}


def test_a_silent_server_is_retryable_after_the_timeout(salesforce):
    _log_in(salesforce)
    salesforce.respond_with(salesforce.silent)
    operate = upsert("Contact", "MRN__c", {"MRN__c": "4711", "LastName": "Amina"}, timeout=0.1)
    error = error_of(operate, salesforce.state())
    assert error.verdict == "remote-for-now"
    assert str(error) == "PATCH sobjects/Contact/MRN__c/…: no response in time."


def test_a_success_status_with_an_unsuccessful_result_is_an_error(salesforce):
    _log_in(salesforce)
    body = b'{"id": null, "success": false, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW"}]}'
    salesforce.respond_with(status(201, body))
    with pytest.raises(RemoteUnavailable, match="UNABLE_TO_LOCK_ROW"):
        CREATE(salesforce.state())


@pytest.mark.parametrize("body", [b"[]", b"{}", b'"x"', b"null"])
def test_a_success_status_without_a_result_is_refused(salesforce, body):
    _log_in(salesforce)
    salesforce.respond_with(status(201, body))
    with pytest.raises(RemoteRefused):
        CREATE(salesforce.state())


def _log_in(salesforce):
    query("SELECT Id FROM Contact")(salesforce.state())


# Missing answers


def test_missing_answer_does_not_erase_the_stored_one(salesforce):
    UPSERT(salesforce.state())
    (record,) = salesforce.org.records["Contact"].values()
    record["Phone"] = "0712"
    answers = {"mrn": "mrn-4711", "nickname": None}
    upsert(
        "Contact",
        "MRN__c",
        fields(
            field("MRN__c", data_value("mrn")),
            field("Phone", data_value("phone")),
            field("Title", data_value("nickname")),
        ),
    )(salesforce.state(answers))
    assert (record["Phone"], record["Title"]) == ("0712", None)


@pytest.mark.parametrize(
    "record",
    [
        {"MRN__c": data_value("phone")},
        fields(field("MRN__c", 7), relationship("Clinic__r", "Code__c", data_value("phone"))),
    ],
)
def test_missing_external_id_is_an_author_error(salesforce, record):
    error = error_of(upsert("Contact", "MRN__c", record), salesforce.state({}))
    assert error.verdict == "author"
    assert salesforce.received == []
