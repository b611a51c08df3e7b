"""Thousands of records for Salesforce: jobs, their batches, and how long they are waited for."""

from __future__ import annotations

import json
from functools import partial

import pytest

from adaptors.errors import AdaptorError
from adaptors.salesforce import bulk, query
from tests.adaptors.salesforce_server import salesforce
from tests.adaptors.serving import status

soon = partial(bulk, "Contact", timeout=10, poll=0.01)
JOB = "/services/async/59.0/job"


@pytest.fixture
def there():
    with salesforce() as found:
        yield found


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def people(count):
    return [{"LastName": f"Person {number}", "MRN__c": str(number)} for number in range(count)]


def test_a_job_is_opened_filled_closed_and_waited_for(there):
    there.org.looks = 2
    state = soon("insert", people(3))(there.state())
    assert there.requests == [
        f"POST {JOB}",
        f"POST {JOB}/7500/batch",
        f"POST {JOB}/7500",
        f"GET {JOB}/7500/batch/7510",
        f"GET {JOB}/7500/batch/7510",
        f"GET {JOB}/7500/batch/7510",
        f"GET {JOB}/7500/batch/7510/result",
    ]
    completed = list(there.org.records["Contact"])
    assert state["data"] == {"success": True, "completed": completed, "errors": []}
    job = there.org.jobs["7500"]
    assert job["state"] == "Closed"
    assert {key: job[key] for key in ("operation", "object", "contentType")} == {
        "operation": "insert",
        "object": "Contact",
        "contentType": "JSON",
    }


@pytest.mark.parametrize(("serial", "mode"), [(False, "Parallel"), (True, "Serial")])
def test_batches_are_taken_at_once_or_in_turn(there, serial, mode):
    soon("insert", people(1), serial=serial)(there.state())
    assert there.org.jobs["7500"]["concurrencyMode"] == mode


def test_records_are_upserted_updated_and_deleted(there):
    for _ in range(2):
        soon("upsert", people(3), external_id="MRN__c")(there.state())
    assert len(there.org.records["Contact"]) == 3
    found = [{"Id": id_, "Title": "Nurse"} for id_ in there.org.records["Contact"]]
    soon("update", found)(there.state())
    assert [each["Title"] for each in there.org.records["Contact"].values()] == ["Nurse"] * 3
    soon("delete", found[:2])(there.state())
    assert len(there.org.records["Contact"]) == 1


def test_more_than_10_000_records_are_several_batches_of_one_job(there):
    records = [*people(10_000), {"MRN__c": "last"}]
    error = error_of(soon("insert", records), there.state())
    assert (
        "Contact: 10000 inserted, 1 not: REQUIRED_FIELD_MISSING (LastName) at index 10000"
        in str(error)
    )
    (job,) = there.org.jobs.values()
    assert [len(each["records"]) for each in job["batches"].values()] == [10_000, 1]


def test_a_batch_is_no_longer_than_salesforce_takes(there):
    records = [{"LastName": "x", "Note__c": "n" * 1_900_000} for _ in range(6)]
    soon("insert", records)(there.state())
    (job,) = there.org.jobs.values()
    assert [len(each["records"]) for each in job["batches"].values()] == [5, 1]
    sent = [each for each in there.served.received if each.path.endswith("/batch")]
    assert max(each.content_length for each in sent) < 10_000_000


def test_no_records_are_no_job(there):
    state = soon("insert", [])(there.state())
    assert state["data"] == {"success": True, "completed": [], "errors": []}
    assert there.served.received == []


UNCLEAR = {
    "an operation": (soon("merge", []), "one of insert, update, upsert, delete, hardDelete"),
    "no external id": (soon("upsert", people(1)), "needs an external_id to upsert"),
    "an external id": (soon("insert", people(1), external_id="MRN__c"), "to upsert, and only then"),
    "no value": (soon("upsert", [{}], external_id="MRN__c"), "records[0] has no value"),
    "no id": (soon("update", people(1)), "records[0] has no Id"),
    "no id to delete": (soon("delete", people(1)), "records[0] has no Id"),
    "no records": (soon("insert", None), "records are a dict or a list"),
}


@pytest.mark.parametrize(("operate", "said"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_cannot_be_meant_is_the_authors_mistake_and_nothing_is_sent(there, operate, said):
    error = error_of(operate, there.state())
    assert error.verdict == "author"
    assert said in str(error)
    assert there.served.received == []


# What is not taken


def test_a_record_that_is_refused_is_named_and_the_others_are_there(there, capsys):
    error = error_of(soon("insert", [*people(2), {}, {"LastName": "Future"}]), there.state())
    assert error.verdict == "remote"
    assert str(error) == (
        "Contact: 2 inserted, 2 not: REQUIRED_FIELD_MISSING (LastName) at index 2; "
        "FIELD_CUSTOM_VALIDATION_EXCEPTION at index 3"
    )
    log = capsys.readouterr().out
    assert "record 3: FIELD_CUSTOM_VALIDATION_EXCEPTION: born after today" in log
    assert all(id_ in log for id_ in there.org.records["Contact"])


def test_what_is_refused_may_be_told_alone(there):
    state = soon("insert", [*people(1), {}], fail_on_error=False)(there.state())
    assert state["data"]["success"] is False
    assert state["data"]["completed"] == list(there.org.records["Contact"])
    assert state["data"]["errors"] == [
        {
            "index": 1,
            "id": None,
            "statusCode": "REQUIRED_FIELD_MISSING",
            "fields": ["LastName"],
            "message": "Required fields are missing",
        }
    ]


def test_a_batch_that_fails_is_the_failure_of_each_of_its_records(there, capsys):
    error = error_of(soon("insert", [{"Bogus__c": "x"}, *people(1)]), there.state())
    assert error.verdict == "remote"
    assert str(error) == "Contact: 0 inserted, 2 not: Failed.InvalidBatch at index 0, 1"
    assert "InvalidBatch : Field name not found : Bogus__c" in capsys.readouterr().out


ENDS = {
    "insert, failed": ("insert", "Failed", "remote"),
    "upsert, failed": ("upsert", "Failed", "remote-for-now"),
    "insert, not begun": ("insert", "NotProcessed", "remote-for-now"),
}


@pytest.mark.parametrize(("name", "end", "verdict"), ENDS.values(), ids=ENDS)
def test_a_batch_that_failed_halfway_is_not_inserted_by_another_try(there, name, end, verdict):
    query("SELECT Id FROM Contact")(there.state())
    batch = {"id": "7510", "state": end, "stateMessage": "TooManyLockFailure : 200 of them"}
    there.served.troubles.extend([*[there.itself] * 3, status(200, json.dumps(batch))])
    external_id = "MRN__c" if name == "upsert" else None
    error = error_of(soon(name, people(1), external_id=external_id), there.state())
    assert error.verdict == verdict
    assert "TooManyLockFailure at index 0" in str(error)


LOCKED = [{"LastName": "Locked", "MRN__c": "0"}, {"LastName": "Kofi", "MRN__c": "1"}]


def test_locked_rows_may_be_tried_again_unless_others_were_inserted(there):
    there.org.locks = 1
    operate = soon("upsert", LOCKED, external_id="MRN__c")
    assert error_of(operate, there.state()).verdict == "remote-for-now"
    assert operate(there.state())["data"]["success"]
    there.org.locks = 1
    assert error_of(soon("insert", LOCKED), there.state()).verdict == "remote"


# How long


OPERATIONS = {
    "insert": (partial(soon, "insert", people(1)), "remote"),
    "upsert": (partial(soon, "upsert", people(1), external_id="MRN__c"), "remote-for-now"),
}


@pytest.mark.parametrize(("operate", "verdict"), OPERATIONS.values(), ids=OPERATIONS)
def test_a_job_that_takes_too_long_is_tried_again_unless_it_inserts(there, operate, verdict):
    there.org.looks = 1_000
    error = error_of(operate(timeout=0.05), there.state())
    assert error.verdict == verdict
    assert "the bulk job 7500 has not ended after 0.05 seconds" in str(error)
    assert ("might insert records twice" in str(error)) is (verdict == "remote")


@pytest.mark.parametrize(("operate", "verdict"), OPERATIONS.values(), ids=OPERATIONS)
def test_a_batch_that_may_not_have_arrived_is_sent_again_unless_it_inserts(there, operate, verdict):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.extend([there.itself, status(503)])
    error = error_of(operate(), there.state())
    assert error.verdict == verdict
    assert ("the job 7500 did" in str(error)) is (verdict == "remote")


def test_a_job_that_could_not_be_opened_may_be_tried_again(there):
    query("SELECT Id FROM Contact")(there.state())
    quota = {"exceptionCode": "ExceededQuota", "exceptionMessage": "too many jobs today"}
    there.served.troubles.append(status(400, json.dumps(quota)))
    error = error_of(soon("insert", people(1)), there.state())
    assert error.verdict == "remote-for-now"
    assert "ExceededQuota" in str(error)


def test_a_look_that_fails_is_not_the_end_of_the_job(there):
    query("SELECT Id FROM Contact")(there.state())
    there.org.looks = 0
    sent = [there.itself] * 3
    there.served.troubles.extend([*sent, status(503), there.itself, status(503), status(429)])
    assert soon("insert", people(1))(there.state())["data"]["success"]
    assert len(there.org.records["Contact"]) == 1


def test_a_look_that_is_refused_is_the_end_of_it(there):
    query("SELECT Id FROM Contact")(there.state())
    gone = {"exceptionCode": "InvalidJob", "exceptionMessage": "no such job"}
    there.served.troubles.extend([*[there.itself] * 3, status(400, json.dumps(gone))])
    error = error_of(soon("insert", people(1)), there.state())
    assert error.verdict == "remote"
    assert "InvalidJob" in str(error)


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"id": 7}'])
def test_a_job_without_an_id_is_refused(there, answer):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.append(status(201, answer))
    assert error_of(soon("insert", people(1)), there.state()).verdict == "remote"
