"""`ofn test` runs the tests of a project's jobs."""

from __future__ import annotations

import pytest

TEST = """\
from workbench.testing import run_job


def test_the_body_is_kept():
    assert run_job("go", {"formId": "registration"}).final["data"]["formId"] == "EXPECTED"


def test_nothing():
    pass
"""


@pytest.mark.parametrize(
    ("form_id", "options", "status"),
    [("other", (), 1), ("other", ("-k", "nothing"), 0)],
)
def test_exit_status_is_that_of_pytest(ofn, project, form_id, options, status):
    project.write("tests/test_go.py", TEST.replace("EXPECTED", form_id))
    ended = ofn("test", "--project", project.folder, "-p", "no:cacheprovider", *options)
    assert (ended.status, ended.err) == (status, "")


def test_project_without_tests_is_an_error(ofn, project):
    project.write("tests/events/a.json", "{}")
    ended = ofn("test", "--project", project.folder)
    assert (ended.status, ended.out) == (1, "")
    assert f"{project.folder}/tests has no tests. Write" in ended.words
