"""`ofn test` runs the tests of a project's jobs."""

from __future__ import annotations

import pytest

TEST = """\
from workbench.testing import run_job


def test_the_body_is_kept():
    assert run_job("go", {"formId": "registration"}).final["data"]["formId"] == "WANTED"


def test_nothing():
    pass
"""


@pytest.mark.parametrize(
    ("wanted", "options", "status"),
    [("other", (), 1), ("other", ("-k", "nothing"), 0)],
)
def test_its_exit_status_says_how_the_tests_ended(ofn, project, wanted, options, status):
    project.write("tests/test_go.py", TEST.replace("WANTED", wanted))
    ended = ofn("test", "--project", project.folder, "-p", "no:cacheprovider", *options)
    assert (ended.status, ended.err) == (status, "")


def test_without_tests_it_says_where_to_write_one(ofn, project):
    project.write("tests/events/a.json", "{}")
    ended = ofn("test", "--project", project.folder)
    assert (ended.status, ended.out) == (1, "")
    assert f"there is no test in {project.folder}/tests: write" in ended.words
