"""ODK Aggregate outbreak report → XML."""

import pytest

from adaptors.common import parse_xml
from workbench.testing import Reply, event, run_job


@pytest.fixture
def submission():
    return event("report.json")


def sent_report(result):
    (request,) = result.requests
    return parse_xml(request.body)["report"]


def test_report_is_sent_as_xml_to_a_path_with_its_id(submission):
    result = run_job("forward-report", submission)
    (request,) = result.requests
    assert (request.method, request.path) == (
        "PUT",
        "/reports/0d6c1f5e-0a43-4a5e-8f0e-3a7a6a3b9c02",
    )
    assert request.headers["Content-Type"].startswith("application/xml")
    report = sent_report(result)
    assert (report["disease"], report["cases"]) == ("measles", "3")
    assert report["symptom"] == ["fever", "rash"]


def test_disease_is_unknown_without_a_choice(submission):
    submission["data"][0] |= {"disease": None, "symptoms": None}
    assert sent_report(run_job("forward-report", submission))["disease"] == "unknown"


def test_run_is_tried_again_when_the_service_is_down(submission):
    answers = {"PUT reports/*": Reply(503)}
    result = run_job("forward-report", submission, answers=answers, fails=True)
    assert result.error.verdict == "remote-for-now"
