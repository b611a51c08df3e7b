"""Runs in workers under Lambda's own runtime client, with the built layers and no semaphores."""

from __future__ import annotations

import pytest

from tests.workers import hostile_jobs, isolation_checks, unprivileged


@pytest.fixture(scope="module")
def result():
    return unprivileged.run("tests.built.isolation_program")


def test_hostile_jobs_end_with_their_own_errors_and_the_next_batch_is_clean(result):
    hostile, clean, _ = result["batches"]
    isolation_checks.check_errors(hostile)
    isolation_checks.check_others([hostile, clean])
    assert {clean[name]["error"] for name in clean if name in hostile_jobs.HOSTILE} == {None}


def test_lambda_has_no_semaphores(result):
    assert result["batches"][1]["locks"]["final"]["error"] == "Function not implemented"


def test_everything_that_a_job_prints_is_masked_in_its_log_and_nowhere_else(result):
    log = result["batches"][1]["shows"]["log"]
    isolation_checks.check_printed(log, result["function_log"])


def test_helper_modules_are_loaded_anew_for_each_run(result):
    _, second, third = result["batches"]
    both = [second["remembers"], second["remembers-too"], third["remembers"]]
    assert [record["final"]["seen"] for record in both] == [["Amina"]] * 3


def test_job_finds_no_credentials_of_aws_or_of_another_run(result):
    isolation_checks.check_sought(result["batches"][2]["seeks"])
