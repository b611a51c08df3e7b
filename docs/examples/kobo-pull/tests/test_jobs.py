"""KoboToolbox → one message for each new submission → the registry."""

import pytest

from workbench.testing import Reply, event, run_job


@pytest.fixture
def submission():
    return event("water_point.json")


def pull(submissions, state):
    page = {"count": len(submissions), "next": None, "previous": None, "results": submissions}
    return run_job("pull", state=state, answers={"GET data/": page})


def test_new_submissions_are_emitted_and_the_position_advances(submission):
    first = pull([submission], {})
    assert first.emitted == [("submissions", submission)]
    assert list(first.final) == ["pulled"]
    assert "2026-01-01" in first.requests[0].url
    second = pull([submission], first.final)
    assert second.emitted == []
    assert "2026-03-09T09%3A25%3A00" in second.requests[0].url


def test_failed_pull_emits_nothing():
    answers = {"GET data/": Reply(503)}
    result = run_job("pull", state={}, answers=answers, fails=True)
    assert result.emitted == []


def test_submission_is_sent_to_a_path_with_its_id(submission):
    (request,) = run_job("deliver", submission).requests
    assert request.path == "/water-points/uuid:9a1f7c44-2f0b-4b7e-b6d5-6c1d3d3f7a04"
    (older,) = run_job("deliver", {**submission, "meta/rootUuid": None}).requests
    assert older.path == "/water-points/101"
    assert request.json == {"name": "Borehole 7", "works": True, "seen": "2026-03-09T09:30:00"}


@pytest.mark.parametrize(("data", "sent"), [({"_id": 101}, 101), (None, "none")])
def test_failure_of_either_job_is_reported_without_the_record(data, sent):
    error = {"type": "RemoteRefused", "message": "Amina", "operation": "put", "line": 12}
    state = {"error": error} | ({"data": data} if data else {})
    (request,) = run_job("report", state=state).requests
    assert request.path == "/alerts"
    assert request.json == {
        "error": "RemoteRefused",
        "operation": "put",
        "line": 12,
        "submission": sent,
    }
