"""When failed runs are retried: by verdict, with bounded backoff and jitter."""

from __future__ import annotations

import pytest

from openfn.errors import JobError
from openfn.project.retry_policy import Retry, next_due

BEGAN = 1_000_000


def job_error(verdict="remote-for-now", retry_after=None):
    return JobError("E", "m", "o", 1, verdict, retry_after)


def seconds_until_retry(retry, attempt, since=0, **options):
    """Return the delay of the next attempt, `since` seconds after the start of the first."""
    due = next_due(retry, attempt, BEGAN, job_error(**options), BEGAN + since)
    return None if due is None else due - BEGAN - since


@pytest.mark.parametrize("verdict", ["author", "remote"])
def test_error_that_is_not_retryable_is_never_retried(verdict):
    assert seconds_until_retry(Retry(), 1, verdict=verdict) is None


def test_delays_are_random_up_to_a_limit_that_doubles():
    retry = Retry(attempts=6, up_to=3100)
    for attempt, limit in ((1, 100), (2, 200), (3, 400), (4, 800), (5, 1600)):
        delays = [seconds_until_retry(retry, attempt) for _ in range(300)]
        assert 0 < min(delays) < limit / 4
        assert limit * 3 / 4 < max(delays) <= limit + 1


def test_limits_add_up_to_the_total_time():
    retry = Retry(attempts=4, up_to=700)
    limits = [max(seconds_until_retry(retry, n) for _ in range(400)) for n in (1, 2, 3)]
    assert 600 < sum(limits) <= 703


def test_last_attempt_is_not_retried():
    assert seconds_until_retry(Retry(attempts=3), 2) is not None
    assert seconds_until_retry(Retry(attempts=3), 3) is None
    assert seconds_until_retry(Retry(attempts=1), 1) is None


def test_delay_is_at_least_retry_after():
    delays = [
        seconds_until_retry(Retry(attempts=8, up_to=3600), 1, retry_after=120) for _ in range(50)
    ]
    assert min(delays) >= 120


def test_attempt_after_the_total_time_is_not_made():
    assert seconds_until_retry(Retry(attempts=8, up_to=3600), 1, retry_after=4000) is None
    assert seconds_until_retry(Retry(attempts=8, up_to=3600), 2, since=3601) is None
