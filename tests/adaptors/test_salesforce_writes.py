"""Lists of records for Salesforce: refused records, and when a retry is safe."""

from __future__ import annotations

import json

import pytest

from adaptors.salesforce import create, destroy, query, update, upsert
from tests.support.errors import error_of
from tests.support.wsgi_server import status, truncated

PEOPLE = [{"LastName": "Amina"}, {"LastName": "Locked"}, {"LastName": "Kofi"}]


def people(count):
    return [{"LastName": f"Person {number}", "MRN__c": str(number)} for number in range(count)]


def names(salesforce):
    return [record["LastName"] for record in salesforce.org.all("Contact").values()]


# Requests


def test_a_list_is_sent_in_requests_of_200_and_ids_keep_their_order(salesforce):
    state = create("Contact", people(450))(salesforce.state())
    assert salesforce.requests == ["POST /composite/sobjects"] * 3
    bodies = [json.loads(request.get_data()) for request in salesforce.received[1:]]
    assert [len(body["records"]) for body in bodies] == [200, 200, 50]
    assert [body["allOrNone"] for body in bodies] == [False] * 3
    assert names(salesforce) == [person["LastName"] for person in people(450)]
    completed = list(salesforce.org.records["Contact"])
    assert state["data"] == {"success": True, "completed": completed, "errors": []}


def test_an_empty_list_sends_nothing(salesforce):
    for operate in (
        create("Contact", []),
        update("Contact", []),
        upsert("Contact", "MRN__c", []),
        destroy("Contact", []),
    ):
        assert operate(salesforce.state())["data"] == {
            "success": True,
            "completed": [],
            "errors": [],
        }
    assert salesforce.received == []


def test_records_of_a_query_can_be_updated_as_they_are(salesforce):
    create("Contact", people(2))(salesforce.state())
    salesforce.org.page_size = 1
    records = query("SELECT Id, LastName FROM Contact")(salesforce.state())["data"]["records"]
    typed = [
        {**record, "attributes": {"type": "Contact", "url": "/x"}, "Title": "Nurse"}
        for record in records
    ]
    state = update("Contact", typed)(salesforce.state())
    assert state["data"]["completed"] == list(salesforce.org.records["Contact"])
    assert {record["Title"] for record in salesforce.org.records["Contact"].values()} == {"Nurse"}
    sent_records = json.loads(salesforce.received[-1].get_data())["records"]
    assert [record["attributes"] for record in sent_records] == [{"type": "Contact"}] * 2


def test_many_records_upserted_twice_exist_once(salesforce):
    for _ in range(2):
        upsert("Contact", "MRN__c", people(201))(salesforce.state())
    assert len(salesforce.org.records["Contact"]) == 201
    assert salesforce.requests == ["PATCH /composite/sobjects/Contact/MRN__c"] * 4


def test_deleted_records_count_as_completed(salesforce):
    ids = create("Contact", people(250))(salesforce.state())["data"]["completed"]
    destroy("Contact", ids[10:20])(salesforce.state())
    state = destroy("Contact", ids)(salesforce.state())
    assert salesforce.org.records["Contact"] == {}
    assert state["data"] == {"success": True, "completed": ids, "errors": []}


def test_with_all_or_none_a_deleted_record_prevents_the_other_deletes(salesforce):
    ids = create("Contact", people(2))(salesforce.state())["data"]["completed"]
    destroy("Contact", ids[0])(salesforce.state())
    error = error_of(destroy("Contact", ids, all_or_none=True), salesforce.state())
    assert "ENTITY_IS_DELETED at index 0; ALL_OR_NONE_OPERATION_ROLLED_BACK at index 1" in str(
        error
    )
    assert list(salesforce.org.records["Contact"]) == [ids[1]]


# Refused records in a response with status 200


def test_a_refused_record_fails_the_run_and_the_others_are_created(salesforce, capsys):
    records = [*people(203), {"Title": "Nurse"}, {"LastName": "Future", "HIV__c": "positive"}, {}]
    error = error_of(create("Contact", records), salesforce.state())
    assert error.verdict == "remote"
    assert str(error) == (
        "Contact: 203 created, 3 failed: REQUIRED_FIELD_MISSING (LastName) at index 203, 205;"
        " FIELD_CUSTOM_VALIDATION_EXCEPTION at index 204."
    )
    log = capsys.readouterr().out
    assert "record 204: FIELD_CUSTOM_VALIDATION_EXCEPTION: born after today" in log
    assert all(id_ in log for id_ in salesforce.org.records["Contact"])
    assert len(salesforce.org.records["Contact"]) == 203


def test_an_error_lists_at_most_a_hundred_refused_records(salesforce):
    error = error_of(create("Contact", [{}] * 150), salesforce.state())
    assert " 98, 99 and 50 more" in str(error)


def test_with_all_or_none_a_refused_record_prevents_the_others(salesforce):
    error = error_of(create("Contact", [*people(2), {}], all_or_none=True), salesforce.state())
    assert str(error) == (
        "Contact: 0 created, 3 failed: ALL_OR_NONE_OPERATION_ROLLED_BACK at index 0, 1; "
        "REQUIRED_FIELD_MISSING (LastName) at index 2."
    )
    assert names(salesforce) == []


@pytest.mark.parametrize(
    "operate",
    [
        create("Contact", people(201), all_or_none=True),
        upsert("Contact", "MRN__c", people(201), all_or_none=True),
        destroy("Contact", ["003000000000001AAA"] * 201, all_or_none=True),
    ],
    ids=["create", "upsert", "destroy"],
)
def test_all_or_none_is_limited_to_200_records(salesforce, operate):
    error = error_of(operate, salesforce.state())
    assert error.verdict == "author"
    assert "at most 200 records, not 201" in str(error)
    assert salesforce.received == []


def test_an_external_id_of_several_records_is_refused_in_a_list(salesforce):
    create("Contact", [*people(1), *people(1)])(salesforce.state())
    error = error_of(upsert("Contact", "MRN__c", people(2)), salesforce.state())
    assert error.verdict == "remote"
    assert "Contact: 1 upserted, 1 failed: DUPLICATE_EXTERNAL_ID at index 0" in str(error)


def test_records_with_the_same_external_id_in_one_list_are_written_as_one(salesforce):
    records = [
        {"MRN__c": 7, "LastName": "Diallo", "Phone": "1"},
        {"MRN__c": "8", "LastName": "Mensah"},
        {"MRN__c": "7", "Phone": "2"},
    ]
    summary = upsert("Contact", "MRN__c", records)(salesforce.state())["data"]
    first, second = salesforce.org.all("Contact").values()
    assert (first["LastName"], first["Phone"], second["LastName"]) == ("Diallo", "2", "Mensah")
    assert summary["completed"] == [first["Id"], second["Id"], first["Id"]]


def test_failed_deletes_can_be_reported_without_failing(salesforce):
    (id_,) = create("Contact", people(1))(salesforce.state())["data"]["completed"]
    rows = [
        {"success": False, "errors": [{"statusCode": "DELETE_FAILED", "message": "in use"}]},
        {"success": True, "id": id_, "errors": []},
    ]
    salesforce.respond_with(status(200, json.dumps(rows)))
    state = destroy("Contact", ["003000000000009AAA", id_], fail_on_error=False)(salesforce.state())
    assert state["data"]["success"] is False
    assert state["data"]["completed"] == [id_]
    (error,) = state["data"]["errors"]
    assert (error["index"], error["statusCode"]) == (0, "DELETE_FAILED")


@pytest.mark.parametrize("rows", [b"[]", b"{}", b'[{"success": true}]', b'["a", "b", "c"]'])
def test_a_response_without_a_result_for_each_record_is_refused(salesforce, rows):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(status(200, rows))
    error = error_of(create("Contact", people(3)), salesforce.state())
    assert error.verdict == "remote"
    assert "does not have one result for each of 3 records of Contact" in str(error)


# Retries


def test_locked_rows_are_retryable_if_no_record_was_created(salesforce):
    salesforce.org.locks = 2
    error = error_of(create("Contact", [PEOPLE[1], PEOPLE[1]]), salesforce.state())
    assert error.verdict == "remote-for-now"
    assert "Contact: 0 created, 2 failed: UNABLE_TO_LOCK_ROW at index 0, 1" in str(error)
    assert create("Contact", [PEOPLE[1], PEOPLE[1]])(salesforce.state())["data"]["success"]


def test_a_locked_row_is_not_retried_if_other_records_were_created(salesforce, capsys):
    salesforce.org.locks = 1
    error = error_of(create("Contact", PEOPLE), salesforce.state())
    assert error.verdict == "remote"
    assert "Contact: 2 created, 1 failed: UNABLE_TO_LOCK_ROW at index 1" in str(error)
    assert "A retry would create these a second time" in str(error)
    log = capsys.readouterr().out
    assert all(id_ in log for id_ in salesforce.org.records["Contact"])


def test_with_all_or_none_a_locked_row_is_retryable(salesforce):
    salesforce.org.locks = 1
    operate = create("Contact", PEOPLE, all_or_none=True)
    assert error_of(operate, salesforce.state()).verdict == "remote-for-now"
    assert names(salesforce) == []
    assert operate(salesforce.state())["data"]["success"]
    assert names(salesforce) == ["Amina", "Locked", "Kofi"]


def test_a_locked_row_of_an_upsert_or_update_is_retryable(salesforce):
    records = [{**person, "MRN__c": str(index)} for index, person in enumerate(PEOPLE)]
    operate = upsert("Contact", "MRN__c", records)
    salesforce.org.locks = 1
    assert error_of(operate, salesforce.state()).verdict == "remote-for-now"
    operate(salesforce.state())
    assert sorted(names(salesforce)) == ["Amina", "Kofi", "Locked"]
    salesforce.org.locks = 1
    operate = update("Contact", list(salesforce.org.records["Contact"].values()))
    assert error_of(operate, salesforce.state()).verdict == "remote-for-now"
    assert operate(salesforce.state())["data"]["success"]


def test_a_locked_row_beside_a_refused_record_is_not_retried(salesforce):
    records = [{**person, "MRN__c": str(index)} for index, person in enumerate([PEOPLE[1], {}])]
    salesforce.org.locks = 1
    error = error_of(upsert("Contact", "MRN__c", records), salesforce.state())
    assert error.verdict == "remote"
    assert "UNABLE_TO_LOCK_ROW at index 0; REQUIRED_FIELD_MISSING (LastName) at index 1" in str(
        error
    )


FAILURES = {
    "503": status(503, b"", Retry_After="7"),
    "limit": status(403, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]'),
    "truncated": truncated,
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure_after_some_records_were_created_is_not_retried(salesforce, failure, capsys):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(salesforce.itself, failure)
    error = error_of(create("Contact", people(250)), salesforce.state())
    assert error.verdict == "remote"
    assert "POST http" in str(error)
    assert "Before that, Contact: 200 created. A retry would create these" in str(error)
    assert len(salesforce.org.records["Contact"]) == 200
    log = capsys.readouterr().out
    assert all(id_ in log for id_ in salesforce.org.records["Contact"])


def test_a_failure_after_some_records_were_upserted_is_retryable(salesforce):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(salesforce.itself, FAILURES["503"])
    operate = upsert("Contact", "MRN__c", people(250))
    error = error_of(operate, salesforce.state())
    assert (error.verdict, error.retry_after) == ("remote-for-now", 7)
    assert "Contact: 200 upserted" in str(error)
    operate(salesforce.state())
    assert len(salesforce.org.records["Contact"]) == 250


def test_a_failure_before_any_record_was_created_is_retryable(salesforce):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(FAILURES["503"])
    error = error_of(create("Contact", people(250)), salesforce.state())
    assert (error.verdict, error.retry_after) == ("remote-for-now", 7)
    assert names(salesforce) == []


def test_the_error_of_a_later_request_has_the_results_of_earlier_ones(salesforce, capsys):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(salesforce.itself, status(400, b'[{"errorCode": "JSON_PARSER"}]'))
    error = error_of(
        upsert("Contact", "MRN__c", [{"MRN__c": "x"}, *people(250)]), salesforce.state()
    )
    assert error.verdict == "remote"
    assert "JSON_PARSER" in str(error)
    assert "Contact: 199 upserted, 1 failed: REQUIRED_FIELD_MISSING" in str(error)
    assert "record 0: REQUIRED_FIELD_MISSING" in capsys.readouterr().out
