"""Jobs in workers: what they print, what they can find, and what they leave to other runs."""

from __future__ import annotations

import pytest

from tests.workers import isolation_checks, unprivileged


@pytest.fixture(scope="module")
def batches():
    return unprivileged.run("tests.workers.hostile_jobs")


@pytest.fixture(scope="module")
def sought():
    return unprivileged.run("tests.workers.secret_seekers")


def test_hostile_jobs_end_with_their_own_errors(batches):
    isolation_checks.check_errors(batches[0])


def test_hostile_jobs_do_not_change_the_outcome_of_others(batches):
    isolation_checks.check_others(batches)


def test_everything_that_a_job_prints_is_masked_in_its_log_and_nowhere_else(sought):
    isolation_checks.check_printed(sought["printed"], sought["function_log"])


def test_job_finds_no_credentials_of_aws_or_of_another_run(sought):
    isolation_checks.check_sought(sought["sought"])
