"""Checks of what is recorded of hostile jobs and of jobs that look for secrets."""

from __future__ import annotations

from tests.workers import hostile_jobs, secret_seekers

AT_ONCE = {"exits": "Crashed", "crashes": "Crashed", "allocates": "MemoryError"}
AT_ONCE["interrupts"] = "KeyboardInterrupt"
# Half a second after the deadline on an idle machine; a busy one may need longer.
LATEST_END_MS = (hostile_jobs.SECONDS + 6) * 1000


def check_errors(records):
    """Check that each hostile job has failed in its first attempt, with its own error."""
    errors = {name: records[name]["error"] for name in records if name in hostile_jobs.HOSTILE}
    assert {name: errors[name]["type"] for name in AT_ONCE} == AT_ONCE
    for name in ("loops", "ignores"):
        assert (errors[name]["type"], errors[name]["operation"]) == ("TimedOut", "fn")
        assert records[name]["duration_ms"] < LATEST_END_MS
    # Its fork fails, or it forks until its deadline.
    assert errors["forks"]["type"] in ("BlockingIOError", "TimedOut")
    assert records["forks"]["duration_ms"] < LATEST_END_MS
    assert "exit status 3" in errors["exits"]["message"]
    assert "SIGSEGV" in errors["crashes"]["message"]
    assert "needed more than 382 MB" in errors["allocates"]["message"]
    assert {records[name]["attempt"] for name in hostile_jobs.HOSTILE} == {1}


def check_others(batches):
    """Check that the jobs that harm nobody have succeeded, and that a long log is shortened."""
    for batch in batches:
        for name in {"fine", "prints", "patches"} & batch.keys():
            assert (batch[name]["status"], batch[name]["error"]) == ("succeeded", None), name
            assert batch[name]["final"]["data"] == {"name": "Amina"}
    assert 1_000_000 < batches[0]["log_bytes"]["prints"] < 1_000_100


def check_printed(log, function_log):
    """Check that all that a job prints is in its log, masked and in order, and nowhere else."""
    assert log.splitlines() == [
        "print ***",
        "WARNING root: logging ***",
        "stderr ***",
        "write ***",
        "child ***",
        "thread ***",
    ]
    text = "".join(function_log)
    assert "***" not in text
    assert secret_seekers.SECRET not in text


def check_sought(record):
    """Check that a job that looks for credentials has found none."""
    assert record["error"] is None
    assert record["final"]["found"] == []
    assert record["final"]["reason"] == "NoCredentialsError"
