"""Salesforce against a small faithful one: one record at a time, and whose problem an error is."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from adaptors.common import data_value, each, field, fields, last_reference_value
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
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
from tests.adaptors.salesforce_server import salesforce
from tests.adaptors.serving import html_page, redirect, status, truncated

CREATE = create("Contact", {"LastName": "Amina"})
UPSERT = upsert("Contact", "MRN__c", {"MRN__c": "mrn-4711", "LastName": "Amina"})


@pytest.fixture
def there():
    with salesforce() as found:
        yield found


def test_jobs_that_do_not_use_it_do_not_load_its_library():
    code = (
        "import sys, adaptors.salesforce; print({'simple_salesforce', 'lxml'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert answer.stdout.strip() == b"set()"


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def errors(code, *fields):
    return json.dumps([{"message": "said so", "errorCode": code, "fields": fields}]).encode()


# Making


def test_a_record_is_made_and_its_outcome_becomes_the_data(there):
    state = create("Contact", {"LastName": data_value("name")})(there.state({"name": "Amina"}))
    ((id_, record),) = there.org.records["Contact"].items()
    assert record == {"Id": id_, "LastName": "Amina"}
    assert state["data"] == {"id": id_, "success": True, "completed": [id_], "errors": []}


def test_the_last_reference_is_the_record_just_made(there):
    state = there.state({"name": "Amina"})
    for operate in (
        create("Account", {"Name": data_value("name")}),
        create("Contact", {"LastName": "Amina", "AccountId": last_reference_value("id")}),
    ):
        state = operate(state)
    (account,) = there.org.records["Account"]
    (contact,) = there.org.records["Contact"].values()
    assert contact["AccountId"] == account
    assert state["references"][-1] == {"name": "Amina"}


def test_the_last_reference_is_the_record_just_made_within_each_and_after_it(there):
    state = each("names", create("Contact", {"LastName": data_value("name")}))(
        there.state({"names": [{"name": "Amina"}, {"name": "Kofi"}]})
    )
    assert state["data"] == {"names": [{"name": "Amina"}, {"name": "Kofi"}]}
    assert last_reference_value("id")(state) == list(there.org.records["Contact"])[-1]


def test_a_relationship_leads_to_the_record_of_an_external_id(there):
    (patient,) = create("Patient__c", {"MRN__c": "7"})(there.state())["data"]["completed"]
    visit = fields(
        field("Name", "Visit 1"), relationship("Patient__r", "MRN__c", data_value("mrn"))
    )
    create("Visit__c", visit)(there.state({"mrn": "7"}))
    (record,) = there.org.records["Visit__c"].values()
    assert record["Patient__c"] == patient
    assert json.loads(there.served.received[-1].get_data()) == {
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
def test_a_condition_decides_whether_anything_is_done(there, operate, new, count):
    state = there.state({"new": new, "name": "Amina"})
    after = operate(state)
    assert len(there.org.all("Contact")) == len(there.requests) == count
    assert (after == state) is not bool(new)


def test_what_a_condition_forbids_is_not_looked_at(there):
    operate = create_if(False, "Contact", lambda state: state["data"]["there"]["is"]["none"])  # noqa: FBT003 - OpenFn's order
    assert operate(there.state({})) == there.state({})


# Changing


def test_a_record_is_changed_by_its_id(there):
    (id_,) = CREATE(there.state())["data"]["completed"]
    state = update("Contact", {"Id": id_, "Title": "Nurse"})(there.state())
    assert there.org.records["Contact"][id_] == {"Id": id_, "LastName": "Amina", "Title": "Nurse"}
    assert state["data"] == {"id": id_, "success": True, "completed": [id_], "errors": []}
    assert json.loads(there.served.received[-1].get_data()) == {"Title": "Nurse"}


def test_however_often_a_record_is_upserted_there_is_one(there):
    created = [
        upsert("Contact", "MRN__c", {"MRN__c": "7", "LastName": name})(there.state())["data"]
        for name in ("Amina", "Amina Diallo")
    ]
    ((id_, record),) = there.org.records["Contact"].items()
    assert record == {"Id": id_, "MRN__c": "7", "LastName": "Amina Diallo"}
    assert [each["created"] for each in created] == [True, False]
    assert [each["id"] for each in created] == [id_, id_]


@pytest.mark.parametrize("value", ["uuid:4e/1", "a b&c=é?#", "50%2F", "..a", 4711, 0])
def test_an_external_id_may_be_anything(there, value):
    for _ in range(2):
        upsert("Contact", "MRN__c", {"MRN__c": value, "LastName": "Amina"})(there.state())
    (record,) = there.org.records["Contact"].values()
    assert record["MRN__c"] == str(value)
    address = there.served.received[-1].environ["REQUEST_URI"]
    assert address.endswith(f"/sobjects/Contact/MRN__c/{quote(str(value), safe='')}")


@pytest.mark.parametrize("value", [None, "", " ", ".", "..", True, 1.5, {}, []], ids=repr)
def test_a_record_without_an_external_id_is_not_sent(there, value):
    error = error_of(upsert("Contact", "MRN__c", {"MRN__c": value}), there.state())
    assert error.verdict == "author"
    assert "records[0] has no value for the external id MRN__c" in str(error)
    assert there.served.received == []


def test_an_old_answer_without_a_body_is_a_success_without_an_id(there):
    UPSERT(there.state())
    there.served.troubles.append(status(204))
    state = UPSERT(there.state())
    assert state["data"] == {"id": None, "success": True, "completed": [None], "errors": []}


def test_an_external_id_that_is_not_unique_is_refused_and_said_to_be(there, capsys):
    for _ in range(2):
        create("Contact", {"LastName": "Amina", "MRN__c": "mrn-4711"})(there.state())
    error = error_of(UPSERT, there.state())
    assert error.verdict == "remote"
    assert "sobjects/Contact/MRN__c/… answered 300" in str(error)
    assert "the external id is not unique" in str(error)
    assert "mrn-4711" not in str(error)
    log = capsys.readouterr().out
    assert all(id_ in log for id_ in there.org.records["Contact"])


def test_a_record_is_deleted_by_its_id_and_twice_is_as_good_as_once(there):
    (id_,) = CREATE(there.state())["data"]["completed"]
    for _ in range(2):
        state = destroy("Contact", last_reference_value("id"))(
            {**there.state(), "references": [{"id": id_}]}
        )
        assert state["data"] == {"success": True, "completed": [id_], "errors": []}
    assert there.org.records["Contact"] == {}


# What is not sent


@pytest.mark.parametrize(
    ("operate", "said"),
    [
        (create("Contact", {"Account.Name": "x"}), "relationship('Account', 'Name', …)"),
        (create("Contact", {1: "x"}), "records[0] has a key that is not text"),
        (create("Contact", None), "records are a dict or a list, not NoneType"),
        (create("Contact", "Amina"), "records are a dict or a list, not str"),
        (create("Contact", [{}, None]), "records[1] is a dict, not NoneType"),
        (create("Contact/../User", {}), "an sobject is an API name such as Contact"),
        (create(data_value("none"), {}), "an sobject is an API name such as Contact"),
        (upsert("Contact", "MRN__c/x", {}), "an external id is an API name"),
        (update("Contact", {"LastName": "x"}), "records[0] has no Id"),
        (update("Contact", {"Id": "../003"}), "records[0] has no Id"),
        (destroy("Contact", ["003000000000001AAA", None]), "ids[1] is 15 or 18"),
        (destroy("Contact", "003000000000001,003"), "ids[0] is 15 or 18"),
    ],
    ids=range(12),
)
def test_what_cannot_be_meant_is_the_authors_mistake_and_nothing_is_sent(there, operate, said):
    error = error_of(operate, there.state({}))
    assert error.verdict == "author"
    assert said in str(error)
    assert there.served.received == []


# Whose problem it is


def test_a_refusal_names_code_and_fields_and_the_log_what_was_said(there, capsys):
    error = error_of(create("Contact", {"Title": "Nurse"}), there.state())
    assert error.verdict == "remote"
    assert str(error).endswith("400 BAD REQUEST: REQUIRED_FIELD_MISSING (LastName)")
    assert "Required fields are missing" in capsys.readouterr().out


def test_a_refusal_that_quotes_the_record_quotes_it_in_the_log_alone(there, capsys):
    record = {"LastName": "Future", "HIV__c": "positive"}
    error = error_of(create("Contact", record), there.state())
    assert error.verdict == "remote"
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in str(error)
    assert "positive" not in str(error)
    assert "positive" in capsys.readouterr().out


def test_a_code_that_is_none_is_not_told(there):
    _warm_up(there)
    there.served.troubles.append(status(400, errors("Amina <b>Diallo</b>", "a value")))
    assert str(error_of(CREATE, there.state())).endswith("answered 400 BAD REQUEST")


REFUSED = ["DUPLICATE_VALUE", "DUPLICATES_DETECTED", "INVALID_FIELD", "STRING_TOO_LONG"]
FOR_NOW = [
    (400, "UNABLE_TO_LOCK_ROW"),
    (409, "UNABLE_TO_LOCK_ROW"),
    (403, "REQUEST_LIMIT_EXCEEDED"),
    (503, "SERVER_UNAVAILABLE"),
    (500, "UNKNOWN_EXCEPTION"),
]


@pytest.mark.parametrize("code", REFUSED)
def test_what_salesforce_will_never_take_is_refused(there, code):
    _warm_up(there)
    there.served.troubles.append(status(400, errors(code, "MRN__c")))
    error = error_of(UPSERT, there.state())
    assert error.verdict == "remote"
    assert f"{code} (MRN__c)" in str(error)


@pytest.mark.parametrize(("answered", "code"), FOR_NOW)
def test_what_salesforce_cannot_take_now_may_be_tried_again(there, answered, code):
    _warm_up(there)
    there.served.troubles.append(status(answered, errors(code), Retry_After="7"))
    error = error_of(UPSERT, there.state())
    assert error.verdict == "remote-for-now"
    assert code in str(error)
    assert error.retry_after == 7


OPERATIONS = {"create": CREATE, "upsert": UPSERT, "query": query("SELECT Id FROM Contact")}
TROUBLES = {
    "400": (status(400, b"?"), "remote", "answered 400"),
    "401 for something else": (status(401, b"[]"), "remote", "answered 401"),
    "403": (status(403, errors("INSUFFICIENT_ACCESS")), "remote", "INSUFFICIENT_ACCESS"),
    "404": (status(404, errors("NOT_FOUND")), "remote", "NOT_FOUND"),
    "429": (status(429), "remote-for-now", "answered 429"),
    "503": (status(503, b"<html>"), "remote-for-now", "answered 503"),
    "page": (html_page, "remote", "not with JSON; make the address"),
    "nothing": (status(200), "remote", "not with JSON"),
    "truncated": (truncated, "remote-for-now", "the connection failed"),
    "redirect": (redirect("https://elsewhere.example/a?b"), "remote", "elsewhere.example/a."),
}


@pytest.mark.parametrize("operate", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize(("trouble", "verdict", "said"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_has_its_verdict_and_no_value_in_its_error(there, operate, trouble, verdict, said):
    _warm_up(there)
    there.served.troubles.append(trouble)
    error = error_of(operate, there.state())
    assert error.verdict == verdict
    assert said in str(error)
    assert "4711" not in str(error)
    assert "SELECT" not in str(error)
    assert there.org.all("Contact") == {}


def test_silence_has_an_end(there):
    _warm_up(there)
    there.served.troubles.append(there.served.silent)
    operate = upsert("Contact", "MRN__c", {"MRN__c": "4711", "LastName": "Amina"}, timeout=0.1)
    error = error_of(operate, there.state())
    assert error.verdict == "remote-for-now"
    assert str(error) == "PATCH sobjects/Contact/MRN__c/…: no response in time."


def test_a_success_that_says_otherwise_is_none(there):
    _warm_up(there)
    body = b'{"id": null, "success": false, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW"}]}'
    there.served.troubles.append(status(201, body))
    with pytest.raises(RemoteUnavailable, match="UNABLE_TO_LOCK_ROW"):
        CREATE(there.state())


@pytest.mark.parametrize("body", [b"[]", b"{}", b'"x"', b"null"])
def test_a_success_that_says_nothing_of_the_record_is_none(there, body):
    _warm_up(there)
    there.served.troubles.append(status(201, body))
    with pytest.raises(RemoteRefused):
        CREATE(there.state())


def _warm_up(there):
    query("SELECT Id FROM Contact")(there.state())
