"""Jobs in workers: what they print, what they can find, and what they leave to other runs."""

from __future__ import annotations

import pytest

from tests.workers import hostile_jobs, secret_seekers, unprivileged

AT_ONCE = {"exits": "Crashed", "crashes": "Crashed", "allocates": "MemoryError"}
AT_ONCE["interrupts"] = "KeyboardInterrupt"
DEADLINE_MS = (hostile_jobs.SECONDS + 1) * 1000


@pytest.fixture(scope="module")
def batches():
    return unprivileged.run("tests.workers.hostile_jobs")


@pytest.fixture(scope="module")
def sought():
    return unprivileged.run("tests.workers.secret_seekers")


def test_hostile_jobs_end_with_their_own_errors(batches):
    records = batches[0]
    errors = {name: records[name]["error"] for name in records if name in hostile_jobs.HOSTILE}
    assert {name: errors[name]["type"] for name in AT_ONCE} == AT_ONCE
    for name in ("loops", "ignores"):
        assert (errors[name]["type"], errors[name]["operation"]) == ("TimedOut", "fn")
        assert records[name]["duration_ms"] < DEADLINE_MS
    # Its fork fails, or it forks until its deadline.
    assert errors["forks"]["type"] in ("BlockingIOError", "TimedOut")
    assert records["forks"]["duration_ms"] < DEADLINE_MS
    assert "exit status 3" in errors["exits"]["message"]
    assert "SIGSEGV" in errors["crashes"]["message"]
    assert "needed more than 382 MB" in errors["allocates"]["message"]
    assert {records[name]["attempt"] for name in hostile_jobs.HOSTILE} == {1}


def test_hostile_jobs_do_not_change_the_outcome_of_others(batches):
    for batch in batches:
        for name in {"fine", "prints", "patches"} & batch.keys():
            assert (batch[name]["status"], batch[name]["error"]) == ("succeeded", None), name
            assert batch[name]["final"]["data"] == {"name": "Amina"}


def test_long_log_is_shortened(batches):
    assert 1_000_000 < batches[0]["log_bytes"]["prints"] < 1_000_100


def test_everything_that_a_job_prints_is_in_its_log_masked_and_in_order(sought):
    assert sought["printed"].splitlines() == [
        "print ***",
        "WARNING root: logging ***",
        "stderr ***",
        "write ***",
        "child ***",
        "thread ***",
    ]


def test_nothing_that_a_job_prints_is_in_the_log_of_the_function(sought):
    text = "".join(sought["function_log"])
    assert "***" not in text
    assert secret_seekers.SECRET not in text


def test_job_finds_no_credentials_of_aws_or_of_another_run(sought):
    assert sought["error"] is None
    assert sought["seeks"]["found"] == []
    assert sought["seeks"]["reason"] == "NoCredentialsError"
