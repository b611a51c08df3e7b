"""However an attempt fails, its failure is recorded at once as its outcome."""

from __future__ import annotations

import time

import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.runs import store as runs
from tests.conftest import post

UNAVAILABLE = """
from adaptors.common import fn

class Unavailable(Exception):
    verdict = "remote-for-now"
    {attribute}

def fail(state):
    raise Unavailable("later")

fn(fail)
"""
HUGE_TYPE = """
from adaptors.common import fn

def fail(state):
    raise type("X" * 1_000_000, (Exception,), {})("no")

fn(fail)
"""
BYTES_ON_STDOUT = """
import sys
from adaptors.common import fn

fn(lambda state: sys.stdout.write(b"Amina"))
"""
COMMIT_ERROR = """
from adaptors._runtime.run_context import UnitOfWork, on_attempt_end
from adaptors.common import fn

class Broken(Exception):
    verdict = "of my own"

    def __str__(self):
        return 7

def commit():
    raise Broken

def work(state):
    _ = on_attempt_end(UnitOfWork(commit, lambda: None, lambda: True))
    return state

fn(work)
"""
HUGE_NAME = f"""
from adaptors.common import fn

fn(lambda state: state)
(lambda: "{"x" * 500_000}" and fn(lambda state: state["missing"]))()
"""


@pytest.fixture
def executed(create_job_stack):
    """Execute a job once and return its run."""

    def run(code):
        stack = create_job_stack(code)
        message_id = post(stack, "{}")["headers"]["X-Message-Id"]
        stack.drain()
        return runs.load(ids.run_id(message_id, "job-a"))

    return run


@pytest.mark.parametrize(
    "attribute",
    [
        "retry_after = 'soon'",
        "retry_after = float('inf')",
        "retry_after = float('nan')",
        "retry_after = 10 ** 400",
        "retry_after = -5",
        "retry_after = [5]",
        "retry_after = property(lambda self: 1 / 0)",
    ],
)
def test_invalid_retry_after_is_ignored(executed, attribute):
    run = executed(UNAVAILABLE.format(attribute=attribute))
    assert (run.status, run.attempt, run.error["type"]) == ("waiting", 1, "Unavailable")
    assert run.due > 0


def test_retry_after_may_be_a_number_as_text(executed):
    run = executed(UNAVAILABLE.format(attribute="retry_after = '7000'"))
    assert run.status == "waiting"
    assert run.due - time.time() > 6900


def test_error_of_a_class_with_a_huge_name_is_recorded(executed):
    run = executed(HUGE_TYPE)
    assert (run.status, run.attempt, run.error["message"]) == ("failed", 1, "no")
    assert 0 < len(run.error["type"].encode()) < 300


def test_writing_bytes_to_standard_output_is_an_author_error(executed):
    run = executed(BYTES_ON_STDOUT)
    assert (run.status, run.error["type"], run.error["line"]) == ("failed", "TypeError", 5)
    assert run.error["message"] == "write() argument must be str, not bytes"


def test_error_of_a_commit_whose_attributes_are_invalid_is_recorded(executed):
    run = executed(COMMIT_ERROR)
    assert (run.status, run.error["type"], run.error["verdict"]) == ("failed", "Broken", "author")
    assert run.error["message"] == "The error has no text: its __str__ raised TypeError."


def test_outcome_that_cannot_be_stored_is_a_failure(executed, log_lines):
    run = executed(HUGE_NAME)
    assert (run.status, run.attempt) == ("failed", 1)
    assert "could not be recorded" in run.error["message"]
    assert details.run(run.id).log == ""
    assert len(log_lines.events(LogEvent.RUN_FAILED)) == 1
    assert len(log_lines.events(LogEvent.RUN_FAILED_UNEXPECTEDLY)) == 1
