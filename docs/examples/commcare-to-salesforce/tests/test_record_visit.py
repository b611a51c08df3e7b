"""CommCare home visit → Salesforce."""

import pytest

from workbench.testing import Reply, event, run_job


@pytest.fixture
def form():
    return event("visit.json")


def test_household_visit_and_members_are_upserted_by_external_id(form):
    household, visit, members = run_job("record-visit", form).requests
    assert household.path.endswith("/sobjects/Household__c/CommCare_ID__c/b7d4c2a0-household")
    assert household.json == {
        "Name": "Household Of Amina",
        "Area__r": {"Area_Code__c": "KISSY-2"},
    }
    assert visit.json["Household__r"] == {"CommCare_ID__c": "b7d4c2a0-household"}
    (person,) = members.json["records"]
    assert (person["Name"], person["Birthdate__c"]) == ("Amina", "2019-02-03")


def test_all_members_are_sent_in_one_request(form):
    form["form"]["member"] = [
        {"case": {"@case_id": f"m{number}"}, "name": f"Child {number}", "born": ""}
        for number in range(3)
    ]
    *_, members = run_job("record-visit", form).requests
    assert [record["Birthdate__c"] for record in members.json["records"]] == [None] * 3


def test_locked_record_is_tried_again(form):
    locked = [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain lock"}]
    answers = {"PATCH sobjects/Household__c/*": Reply(400, locked)}
    result = run_job("record-visit", form, answers=answers, fails=True)
    assert result.error.verdict == "remote-for-now"
