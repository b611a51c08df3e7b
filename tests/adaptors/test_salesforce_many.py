"""Many records for Salesforce: what is taken, what is not, and when another try is harmless."""

from __future__ import annotations

import json

import pytest

from adaptors.errors import AdaptorError
from adaptors.salesforce import create, destroy, query, update, upsert
from tests.adaptors.salesforce_server import salesforce
from tests.adaptors.serving import status, truncated

PEOPLE = [{"LastName": "Amina"}, {"LastName": "Locked"}, {"LastName": "Kofi"}]


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


def names(there):
    return [each["LastName"] for each in there.org.all("Contact").values()]


# What is sent


def test_a_list_goes_in_requests_of_200_and_its_ids_come_back_in_order(there):
    state = create("Contact", people(450))(there.state())
    assert there.requests == ["POST /composite/sobjects"] * 3
    sent = [json.loads(each.get_data()) for each in there.served.received[1:]]
    assert [len(each["records"]) for each in sent] == [200, 200, 50]
    assert [each["allOrNone"] for each in sent] == [False] * 3
    assert names(there) == [each["LastName"] for each in people(450)]
    completed = list(there.org.records["Contact"])
    assert state["data"] == {"success": True, "completed": completed, "errors": []}


def test_a_list_of_none_is_done_without_a_word(there):
    for operate in (
        create("Contact", []),
        update("Contact", []),
        upsert("Contact", "MRN__c", []),
        destroy("Contact", []),
    ):
        assert operate(there.state())["data"] == {"success": True, "completed": [], "errors": []}
    assert there.served.received == []


def test_records_that_a_query_found_can_be_changed_as_they_are(there):
    create("Contact", people(2))(there.state())
    there.org.page = 1
    found = query("SELECT Id, LastName FROM Contact")(there.state())["data"]["records"]
    typed = [
        {**each, "attributes": {"type": "Contact", "url": "/x"}, "Title": "Nurse"} for each in found
    ]
    state = update("Contact", typed)(there.state())
    assert state["data"]["completed"] == list(there.org.records["Contact"])
    assert {each["Title"] for each in there.org.records["Contact"].values()} == {"Nurse"}
    sent = json.loads(there.served.received[-1].get_data())["records"]
    assert [each["attributes"] for each in sent] == [{"type": "Contact"}] * 2


def test_upserted_twice_many_records_are_there_once(there):
    for _ in range(2):
        upsert("Contact", "MRN__c", people(201))(there.state())
    assert len(there.org.records["Contact"]) == 201
    assert there.requests == ["PATCH /composite/sobjects/Contact/MRN__c"] * 4


def test_many_records_are_deleted_and_those_that_were_already_count(there):
    ids = create("Contact", people(250))(there.state())["data"]["completed"]
    destroy("Contact", ids[10:20])(there.state())
    state = destroy("Contact", ids)(there.state())
    assert there.org.records["Contact"] == {}
    assert state["data"] == {"success": True, "completed": ids, "errors": []}


def test_with_all_or_none_one_that_was_deleted_already_keeps_the_others(there):
    ids = create("Contact", people(2))(there.state())["data"]["completed"]
    destroy("Contact", ids[0])(there.state())
    error = error_of(destroy("Contact", ids, all_or_none=True), there.state())
    assert "ENTITY_IS_DELETED at index 0; ALL_OR_NONE_OPERATION_ROLLED_BACK at index 1" in str(
        error
    )
    assert list(there.org.records["Contact"]) == [ids[1]]


# What is refused though the status is 200


def test_a_run_fails_for_each_record_that_is_refused_and_the_others_are_there(there, capsys):
    records = [*people(203), {"Title": "Nurse"}, {"LastName": "Future", "HIV__c": "positive"}, {}]
    error = error_of(create("Contact", records), there.state())
    assert error.verdict == "remote"
    assert str(error) == (
        "Contact: 203 created, 3 not: REQUIRED_FIELD_MISSING (LastName) at index 203, 205;"
        " FIELD_CUSTOM_VALIDATION_EXCEPTION at index 204"
    )
    log = capsys.readouterr().out
    assert "record 204: FIELD_CUSTOM_VALIDATION_EXCEPTION: born after today" in log
    assert all(id_ in log for id_ in there.org.records["Contact"])
    assert len(there.org.records["Contact"]) == 203


def test_of_very_many_that_are_refused_an_error_names_a_hundred(there):
    error = error_of(create("Contact", [{}] * 150), there.state())
    assert " 98, 99 and 50 more" in str(error)


def test_with_all_or_none_the_others_are_not_there_either(there):
    error = error_of(create("Contact", [*people(2), {}], all_or_none=True), there.state())
    assert str(error) == (
        "Contact: 0 created, 3 not: ALL_OR_NONE_OPERATION_ROLLED_BACK at index 0, 1; "
        "REQUIRED_FIELD_MISSING (LastName) at index 2"
    )
    assert names(there) == []


@pytest.mark.parametrize(
    "operate",
    [
        create("Contact", people(201), all_or_none=True),
        upsert("Contact", "MRN__c", people(201), all_or_none=True),
        destroy("Contact", ["003000000000001AAA"] * 201, all_or_none=True),
    ],
    ids=["create", "upsert", "destroy"],
)
def test_more_than_200_cannot_be_all_or_none(there, operate):
    error = error_of(operate, there.state())
    assert error.verdict == "author"
    assert "at most 200 records all or none, not 201" in str(error)
    assert there.served.received == []


def test_an_external_id_that_is_not_unique_is_refused_among_many(there):
    create("Contact", [*people(1), *people(1)])(there.state())
    error = error_of(upsert("Contact", "MRN__c", people(2)), there.state())
    assert error.verdict == "remote"
    assert "Contact: 1 upserted, 1 not: DUPLICATE_EXTERNAL_ID at index 0" in str(error)


def test_what_cannot_be_deleted_may_be_told_alone(there):
    (id_,) = create("Contact", people(1))(there.state())["data"]["completed"]
    rows = [
        {"success": False, "errors": [{"statusCode": "DELETE_FAILED", "message": "in use"}]},
        {"success": True, "id": id_, "errors": []},
    ]
    there.served.troubles.append(status(200, json.dumps(rows)))
    state = destroy("Contact", ["003000000000009AAA", id_], fail_on_error=False)(there.state())
    assert state["data"]["success"] is False
    assert state["data"]["completed"] == [id_]
    (error,) = state["data"]["errors"]
    assert (error["index"], error["statusCode"]) == (0, "DELETE_FAILED")


@pytest.mark.parametrize("rows", [b"[]", b"{}", b'[{"success": true}]', b'["a", "b", "c"]'])
def test_an_answer_that_does_not_tell_of_each_record_is_refused(there, rows):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.append(status(200, rows))
    error = error_of(create("Contact", people(3)), there.state())
    assert error.verdict == "remote"
    assert "does not tell what became of each of 3 records of Contact" in str(error)


# Whether another try is worth it


def test_locked_rows_may_be_tried_again_if_nothing_is_made_twice_by_it(there):
    there.org.locks = 2
    error = error_of(create("Contact", [PEOPLE[1], PEOPLE[1]]), there.state())
    assert error.verdict == "remote-for-now"
    assert "Contact: 0 created, 2 not: UNABLE_TO_LOCK_ROW at index 0, 1" in str(error)
    assert create("Contact", [PEOPLE[1], PEOPLE[1]])(there.state())["data"]["success"]


def test_a_locked_row_among_some_that_were_made_is_not_tried_again(there, capsys):
    there.org.locks = 1
    error = error_of(create("Contact", PEOPLE), there.state())
    assert error.verdict == "remote"
    assert "Contact: 2 created, 1 not: UNABLE_TO_LOCK_ROW at index 1" in str(error)
    assert "would be there twice after another try" in str(error)
    log = capsys.readouterr().out
    assert all(id_ in log for id_ in there.org.records["Contact"])


def test_with_all_or_none_a_locked_row_may_be_tried_again(there):
    there.org.locks = 1
    operate = create("Contact", PEOPLE, all_or_none=True)
    assert error_of(operate, there.state()).verdict == "remote-for-now"
    assert names(there) == []
    assert operate(there.state())["data"]["success"]
    assert names(there) == ["Amina", "Locked", "Kofi"]


def test_a_locked_row_of_an_upsert_or_an_update_may_be_tried_again(there):
    records = [{**each, "MRN__c": str(index)} for index, each in enumerate(PEOPLE)]
    operate = upsert("Contact", "MRN__c", records)
    there.org.locks = 1
    assert error_of(operate, there.state()).verdict == "remote-for-now"
    operate(there.state())
    assert sorted(names(there)) == ["Amina", "Kofi", "Locked"]
    there.org.locks = 1
    operate = update("Contact", list(there.org.records["Contact"].values()))
    assert error_of(operate, there.state()).verdict == "remote-for-now"
    assert operate(there.state())["data"]["success"]


def test_a_locked_row_beside_one_that_will_never_be_taken_is_not_tried_again(there):
    records = [{**each, "MRN__c": str(index)} for index, each in enumerate([PEOPLE[1], {}])]
    there.org.locks = 1
    error = error_of(upsert("Contact", "MRN__c", records), there.state())
    assert error.verdict == "remote"
    assert "UNABLE_TO_LOCK_ROW at index 0; REQUIRED_FIELD_MISSING (LastName) at index 1" in str(
        error
    )


BROKEN = {
    "503": status(503, b"", Retry_After="7"),
    "limit": status(403, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]'),
    "truncated": truncated,
}


@pytest.mark.parametrize("trouble", BROKEN.values(), ids=BROKEN)
def test_trouble_after_some_were_made_is_not_tried_again(there, trouble, capsys):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.extend([there.itself, trouble])
    error = error_of(create("Contact", people(250)), there.state())
    assert error.verdict == "remote"
    assert "POST http" in str(error)
    assert "before that Contact: 200 created; these would be" in str(error)
    assert len(there.org.records["Contact"]) == 200
    log = capsys.readouterr().out
    assert all(id_ in log for id_ in there.org.records["Contact"])


def test_trouble_after_some_were_upserted_may_be_tried_again(there):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.extend([there.itself, BROKEN["503"]])
    operate = upsert("Contact", "MRN__c", people(250))
    error = error_of(operate, there.state())
    assert (error.verdict, error.retry_after) == ("remote-for-now", 7)
    assert "Contact: 200 upserted" in str(error)
    operate(there.state())
    assert len(there.org.records["Contact"]) == 250


def test_trouble_before_any_was_made_may_be_tried_again(there):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.append(BROKEN["503"])
    error = error_of(create("Contact", people(250)), there.state())
    assert (error.verdict, error.retry_after) == ("remote-for-now", 7)
    assert names(there) == []


def test_a_refusal_of_later_ones_tells_of_the_earlier_ones(there, capsys):
    query("SELECT Id FROM Contact")(there.state())
    there.served.troubles.extend([there.itself, status(400, b'[{"errorCode": "JSON_PARSER"}]')])
    error = error_of(upsert("Contact", "MRN__c", [{"MRN__c": "x"}, *people(250)]), there.state())
    assert error.verdict == "remote"
    assert "JSON_PARSER" in str(error)
    assert "Contact: 199 upserted, 1 not: REQUIRED_FIELD_MISSING" in str(error)
    assert "record 0: REQUIRED_FIELD_MISSING" in capsys.readouterr().out
