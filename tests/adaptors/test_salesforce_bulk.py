"""Bulk jobs in Salesforce: batches, failures and timeouts."""

from __future__ import annotations

import json
from functools import partial

import pytest

from adaptors.salesforce import bulk, query
from tests.support.errors import error_of
from tests.support.wsgi_server import status

quick_bulk = partial(bulk, "Contact", timeout=10, poll=0.01)
JOB = "/services/async/59.0/job"


def people(count):
    return [{"LastName": f"Person {number}", "MRN__c": str(number)} for number in range(count)]


def test_a_job_is_opened_filled_closed_and_polled(salesforce):
    salesforce.org.polls = 2
    state = quick_bulk("insert", people(3))(salesforce.state())
    assert salesforce.requests == [
        f"POST {JOB}",
        f"POST {JOB}/7500/batch",
        f"POST {JOB}/7500",
        f"GET {JOB}/7500/batch/7510",
        f"GET {JOB}/7500/batch/7510",
        f"GET {JOB}/7500/batch/7510",
        f"GET {JOB}/7500/batch/7510/result",
    ]
    completed = list(salesforce.org.records["Contact"])
    assert state["data"] == {"success": True, "completed": completed, "errors": []}
    job = salesforce.org.jobs["7500"]
    assert job["state"] == "Closed"
    assert {key: job[key] for key in ("operation", "object", "contentType")} == {
        "operation": "insert",
        "object": "Contact",
        "contentType": "JSON",
    }


@pytest.mark.parametrize(("serial", "mode"), [(False, "Parallel"), (True, "Serial")])
def test_batches_are_processed_in_parallel_or_one_by_one(salesforce, serial, mode):
    quick_bulk("insert", people(1), serial=serial)(salesforce.state())
    assert salesforce.org.jobs["7500"]["concurrencyMode"] == mode


def test_records_with_the_same_external_id_are_sent_as_one(salesforce):
    records = [*people(2), {**people(1)[0], "LastName": "Diallo"}]
    after = quick_bulk("upsert", records, external_id="MRN__c")(salesforce.state())
    names = [record["LastName"] for record in salesforce.org.all("Contact").values()]
    assert (names[0], len(names)) == ("Diallo", 2)
    ids = after["data"]["completed"]
    assert (ids[0], len(ids)) == (ids[2], 3)


def test_records_can_be_upserted_updated_and_deleted(salesforce):
    for _ in range(2):
        quick_bulk("upsert", people(3), external_id="MRN__c")(salesforce.state())
    assert len(salesforce.org.records["Contact"]) == 3
    updates = [{"Id": id_, "Title": "Nurse"} for id_ in salesforce.org.records["Contact"]]
    quick_bulk("update", updates)(salesforce.state())
    assert [record["Title"] for record in salesforce.org.records["Contact"].values()] == [
        "Nurse"
    ] * 3
    quick_bulk("delete", updates[:2])(salesforce.state())
    assert len(salesforce.org.records["Contact"]) == 1


def test_more_than_10_000_records_become_several_batches_of_one_job(salesforce):
    records = [*people(10_000), {"MRN__c": "last"}]
    error = error_of(quick_bulk("insert", records), salesforce.state())
    assert (
        "Contact: 10000 inserted, 1 failed: REQUIRED_FIELD_MISSING (LastName) at index 10000"
        in str(error)
    )
    (job,) = salesforce.org.jobs.values()
    assert [len(batch["records"]) for batch in job["batches"].values()] == [10_000, 1]


def test_a_batch_stays_below_the_size_limit(salesforce):
    records = [{"LastName": "x", "Note__c": "n" * 1_900_000} for _ in range(6)]
    quick_bulk("insert", records)(salesforce.state())
    (job,) = salesforce.org.jobs.values()
    assert [len(batch["records"]) for batch in job["batches"].values()] == [5, 1]
    requests = [request for request in salesforce.received if request.path.endswith("/batch")]
    assert max(request.content_length for request in requests) < 10_000_000


def test_an_empty_list_creates_no_job(salesforce):
    state = quick_bulk("insert", [])(salesforce.state())
    assert state["data"] == {"success": True, "completed": [], "errors": []}
    assert salesforce.received == []


INVALID = {
    "an operation": (
        quick_bulk("merge", []),
        "must be one of insert, update, upsert, delete, hardDelete",
    ),
    "no external id": (quick_bulk("upsert", people(1)), "needs external_id for an upsert"),
    "an external id": (quick_bulk("insert", people(1), external_id="MRN__c"), "only for an upsert"),
    "no value": (quick_bulk("upsert", [{}], external_id="MRN__c"), "records[0] needs a value"),
    "no id": (quick_bulk("update", people(1)), "The Id of records[0]"),
    "no id to delete": (quick_bulk("delete", people(1)), "The Id of records[0]"),
    "no records": (quick_bulk("insert", None), "records must be a dict or a list"),
}


@pytest.mark.parametrize(("operate", "message"), INVALID.values(), ids=INVALID)
def test_invalid_arguments_are_author_errors_and_nothing_is_sent(salesforce, operate, message):
    error = error_of(operate, salesforce.state())
    assert error.verdict == "author"
    assert message in str(error)
    assert salesforce.received == []


# Refused records


def test_refused_records_are_listed_and_the_others_written(salesforce, capsys):
    error = error_of(
        quick_bulk("insert", [*people(2), {}, {"LastName": "Future"}]), salesforce.state()
    )
    assert error.verdict == "remote"
    assert str(error) == (
        "Contact: 2 inserted, 2 failed: REQUIRED_FIELD_MISSING (LastName) at index 2; "
        "FIELD_CUSTOM_VALIDATION_EXCEPTION at index 3."
    )
    log = capsys.readouterr().out
    assert "record 3: FIELD_CUSTOM_VALIDATION_EXCEPTION: born after today" in log
    assert all(id_ in log for id_ in salesforce.org.records["Contact"])


def test_refused_records_can_be_reported_without_failing(salesforce):
    state = quick_bulk("insert", [*people(1), {}], fail_on_error=False)(salesforce.state())
    assert state["data"]["success"] is False
    assert state["data"]["completed"] == list(salesforce.org.records["Contact"])
    assert state["data"]["errors"] == [
        {
            "index": 1,
            "id": None,
            "statusCode": "REQUIRED_FIELD_MISSING",
            "fields": ["LastName"],
            "message": "Required fields are missing",
        }
    ]


def test_a_failed_batch_fails_all_of_its_records(salesforce, capsys):
    error = error_of(quick_bulk("insert", [{"Bogus__c": "x"}, *people(1)]), salesforce.state())
    assert error.verdict == "remote"
    assert str(error) == "Contact: 0 inserted, 2 failed: Failed.InvalidBatch at index 0, 1."
    assert "InvalidBatch : Field name not found : Bogus__c" in capsys.readouterr().out


FINAL_STATES = {
    "insert, failed": ("insert", "Failed", "remote"),
    "upsert, failed": ("upsert", "Failed", "remote-for-now"),
    "insert, not processed": ("insert", "NotProcessed", "remote-for-now"),
}


@pytest.mark.parametrize(
    ("operation", "final_state", "verdict"), FINAL_STATES.values(), ids=FINAL_STATES
)
def test_a_failed_batch_is_not_retried_for_an_insert(salesforce, operation, final_state, verdict):
    query("SELECT Id FROM Contact")(salesforce.state())
    batch = {"id": "7510", "state": final_state, "stateMessage": "TooManyLockFailure : 200 of them"}
    salesforce.respond_with(*[salesforce.itself] * 3, status(200, json.dumps(batch)))
    external_id = "MRN__c" if operation == "upsert" else None
    error = error_of(quick_bulk(operation, people(1), external_id=external_id), salesforce.state())
    assert error.verdict == verdict
    assert "TooManyLockFailure at index 0" in str(error)


LOCKED = [{"LastName": "Locked", "MRN__c": "0"}, {"LastName": "Kofi", "MRN__c": "1"}]


def test_locked_rows_are_retryable_unless_others_were_inserted(salesforce):
    salesforce.org.locks = 1
    operate = quick_bulk("upsert", LOCKED, external_id="MRN__c")
    assert error_of(operate, salesforce.state()).verdict == "remote-for-now"
    assert operate(salesforce.state())["data"]["success"]
    salesforce.org.locks = 1
    assert error_of(quick_bulk("insert", LOCKED), salesforce.state()).verdict == "remote"


# Timeouts and broken connections


OPERATIONS = {
    "insert": (partial(quick_bulk, "insert", people(1)), "remote"),
    "upsert": (partial(quick_bulk, "upsert", people(1), external_id="MRN__c"), "remote-for-now"),
}


@pytest.mark.parametrize(("operate", "verdict"), OPERATIONS.values(), ids=OPERATIONS)
def test_a_job_that_times_out_is_retryable_unless_it_inserts(salesforce, operate, verdict):
    salesforce.org.polls = 1_000
    error = error_of(operate(timeout=0.05), salesforce.state())
    assert error.verdict == verdict
    assert "The bulk job 7500 has not ended after 0.05 seconds" in str(error)
    assert ("could insert records twice" in str(error)) is (verdict == "remote")


@pytest.mark.parametrize(("operate", "verdict"), OPERATIONS.values(), ids=OPERATIONS)
def test_a_batch_with_a_lost_response_is_retryable_unless_it_inserts(salesforce, operate, verdict):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(salesforce.itself, status(503))
    error = error_of(operate(), salesforce.state())
    assert error.verdict == verdict
    assert ("Check the job 7500" in str(error)) is (verdict == "remote")


def test_a_job_that_cannot_be_opened_is_retryable(salesforce):
    query("SELECT Id FROM Contact")(salesforce.state())
    quota = {"exceptionCode": "ExceededQuota", "exceptionMessage": "too many jobs today"}
    salesforce.respond_with(status(400, json.dumps(quota)))
    error = error_of(quick_bulk("insert", people(1)), salesforce.state())
    assert error.verdict == "remote-for-now"
    assert "ExceededQuota" in str(error)


def test_a_failed_poll_is_repeated(salesforce):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.org.polls = 0
    until_closed = [salesforce.itself] * 3
    salesforce.respond_with(*until_closed, status(503), salesforce.itself, status(503), status(429))
    assert quick_bulk("insert", people(1))(salesforce.state())["data"]["success"]
    assert len(salesforce.org.records["Contact"]) == 1


def test_a_refused_poll_fails_the_run(salesforce):
    query("SELECT Id FROM Contact")(salesforce.state())
    invalid_job = {"exceptionCode": "InvalidJob", "exceptionMessage": "no such job"}
    salesforce.respond_with(*[salesforce.itself] * 3, status(400, json.dumps(invalid_job)))
    error = error_of(quick_bulk("insert", people(1)), salesforce.state())
    assert error.verdict == "remote"
    assert "InvalidJob" in str(error)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id": 7}'])
def test_a_job_without_an_id_is_refused(salesforce, body):
    query("SELECT Id FROM Contact")(salesforce.state())
    salesforce.respond_with(status(201, body))
    assert error_of(quick_bulk("insert", people(1)), salesforce.state()).verdict == "remote"
