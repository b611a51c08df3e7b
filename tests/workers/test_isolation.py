"""Jobs in workers: what they print, what they can find, and what they leave to other runs."""

from __future__ import annotations

import pytest

from tests.workers import isolation_checks, unprivileged


@pytest.fixture(scope="module")
def result():
    return unprivileged.run("tests.workers.isolation_program")


def test_hostile_jobs_end_with_their_own_errors(result):
    isolation_checks.check_errors(result["batches"][0])


def test_hostile_jobs_do_not_change_the_outcome_of_others(result):
    isolation_checks.check_others(result["batches"])


def test_everything_that_a_job_prints_is_masked_in_its_log_and_nowhere_else(result):
    log = result["batches"][1]["shows"]["log"]
    isolation_checks.check_printed(log, result["function_log"])


def test_job_finds_no_credentials_of_aws_or_of_another_run(result):
    isolation_checks.check_sought(result["batches"][2]["seeks"])
