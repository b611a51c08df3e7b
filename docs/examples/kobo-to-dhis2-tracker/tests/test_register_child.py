"""Kobo child registration → DHIS2's tracker."""

import pytest

from workbench.jobtests import Reply, event, run_job


@pytest.fixture
def submission():
    return event("registration.json")


def imported(done):
    (sent,) = done.requests
    (child,) = sent.json["trackedEntities"]
    return child


def test_a_child_is_imported_with_its_enrollment_and_an_event_for_each_vaccination(submission):
    done = run_job("register-child", submission)
    assert "importStrategy=CREATE_AND_UPDATE" in done.requests[0].url
    child = imported(done)
    assert child["geometry"] == {"type": "Point", "coordinates": [-12.4712, 8.1029]}
    (enrollment,) = child["enrollments"]
    assert enrollment["occurredAt"] == "2025-11-02"
    assert [each["dataValues"][0]["value"] for each in enrollment["events"]] == ["BCG", "OPV1"]


def test_the_same_submission_has_the_same_uids_and_another_has_others(submission):
    uids = [imported(run_job("register-child", submission))["trackedEntity"] for _ in range(2)]
    assert uids[0] == uids[1]
    other = imported(run_job("register-child", {**submission, "_uuid": "another"}))
    assert other["trackedEntity"] != uids[0]


def test_a_child_without_vaccinations_place_and_conditions_is_imported_too(submission):
    for name in ("vaccinations/vaccination", "place/location", "child/conditions"):
        del submission[name]
    child = imported(run_job("register-child", submission))
    assert child["enrollments"][0]["events"] == []
    assert child["geometry"] is None


def test_what_dhis2_ignores_is_a_failure(submission):
    report = {
        "status": "ERROR",
        "validationReport": {"errorReports": [{"errorCode": "E1064", "uid": "w75KJ2mc4zz"}]},
        "stats": {"created": 0, "updated": 0, "deleted": 0, "ignored": 1, "total": 1},
    }
    answers = {"POST tracker": Reply(409, report)}
    done = run_job("register-child", submission, answers=answers, fails=True)
    assert "E1064" in done.error.message
