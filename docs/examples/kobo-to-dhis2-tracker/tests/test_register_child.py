"""Kobo child registration → DHIS2 tracker."""

import pytest

from workbench.testing import Reply, event, run_job


@pytest.fixture
def submission():
    return event("registration.json")


def imported_child(result):
    (request,) = result.requests
    (child,) = request.json["trackedEntities"]
    return child


def test_child_is_imported_with_its_enrollment_and_one_event_per_vaccination(submission):
    result = run_job("register-child", submission)
    assert "importStrategy=CREATE_AND_UPDATE" in result.requests[0].url
    child = imported_child(result)
    assert child["geometry"] == {"type": "Point", "coordinates": [-12.4712, 8.1029]}
    (enrollment,) = child["enrollments"]
    assert enrollment["occurredAt"] == "2025-11-02"
    assert [event["dataValues"][0]["value"] for event in enrollment["events"]] == ["BCG", "OPV1"]


def test_uids_depend_only_on_the_submission(submission):
    first, second = (imported_child(run_job("register-child", submission)) for _ in range(2))
    assert first["trackedEntity"] == second["trackedEntity"]
    edited = imported_child(run_job("register-child", {**submission, "_uuid": "another"}))
    assert edited["trackedEntity"] == first["trackedEntity"]
    other = imported_child(run_job("register-child", {**submission, "meta/rootUuid": "another"}))
    assert other["trackedEntity"] != first["trackedEntity"]


def test_child_without_vaccinations_location_and_conditions_is_imported(submission):
    for name in ("vaccinations/vaccination", "place/location", "child/conditions"):
        del submission[name]
    child = imported_child(run_job("register-child", submission))
    assert child["enrollments"][0]["events"] == []
    assert child["geometry"] is None


def test_run_fails_when_dhis2_ignores_the_import(submission):
    report = {
        "status": "ERROR",
        "validationReport": {"errorReports": [{"errorCode": "E1064", "uid": "w75KJ2mc4zz"}]},
        "stats": {"created": 0, "updated": 0, "deleted": 0, "ignored": 1, "total": 1},
    }
    answers = {"POST tracker": Reply(409, report)}
    result = run_job("register-child", submission, answers=answers, fails=True)
    assert "E1064" in result.error.message
