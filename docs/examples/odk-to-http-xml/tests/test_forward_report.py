"""ODK Aggregate outbreak report → XML."""

import pytest

from adaptors.common import parse_xml
from workbench.jobtests import Reply, event, run_job


@pytest.fixture
def submission():
    return event("report.json")


def sent(done):
    (request,) = done.requests
    return parse_xml(request.body)["report"]


def test_a_report_is_put_below_its_own_id_as_xml(submission):
    done = run_job("forward-report", submission)
    (request,) = done.requests
    assert (request.method, request.path) == (
        "PUT",
        "/reports/0d6c1f5e-0a43-4a5e-8f0e-3a7a6a3b9c02",
    )
    assert request.headers["Content-Type"].startswith("application/xml")
    report = sent(done)
    assert (report["disease"], report["cases"]) == ("measles", "3")
    assert report["symptom"] == ["fever", "rash"]


def test_a_report_without_a_choice_says_unknown(submission):
    submission["data"][0] |= {"disease": None, "symptoms": None}
    assert sent(run_job("forward-report", submission))["disease"] == "unknown"


def test_a_service_that_is_down_is_tried_again(submission):
    down = {"PUT reports/*": Reply(503)}
    done = run_job("forward-report", submission, answers=down, fails=True)
    assert done.error.verdict == "remote-for-now"
