"""When a failed run is tried again: by verdict, with back-off and jitter, bounded."""

from __future__ import annotations

import pytest

from openfn.errors import JobError
from openfn.project.retry_policy import Retry, next_due

BEGAN = 1_000_000


def error(verdict="remote-for-now", retry_after=None):
    return JobError("E", "m", "o", 1, verdict, retry_after)


def due(retry, attempt, since=0, **of):
    """Give in how many seconds the next attempt is due, so many after the first began."""
    found = next_due(retry, attempt, BEGAN, error(**of), BEGAN + since)
    return None if found is None else found - BEGAN - since


@pytest.mark.parametrize("verdict", ["author", "remote"])
def test_what_will_not_be_well_later_is_never_tried_again(verdict):
    assert due(Retry(), 1, verdict=verdict) is None


def test_the_waits_are_drawn_up_to_a_limit_that_doubles():
    retry = Retry(attempts=6, up_to=3100)
    for attempt, limit in ((1, 100), (2, 200), (3, 400), (4, 800), (5, 1600)):
        drawn = [due(retry, attempt) for _ in range(300)]
        assert 0 < min(drawn) < limit / 4
        assert limit * 3 / 4 < max(drawn) <= limit + 1


def test_the_limits_together_make_up_the_whole_time():
    retry = Retry(attempts=4, up_to=700)
    limits = [max(due(retry, n) for _ in range(400)) for n in (1, 2, 3)]
    assert 600 < sum(limits) <= 703


def test_after_the_last_attempt_there_is_none():
    assert due(Retry(attempts=3), 2) is not None
    assert due(Retry(attempts=3), 3) is None
    assert due(Retry(attempts=1), 1) is None


def test_what_the_destination_asks_for_is_waited_for_at_the_least():
    drawn = [due(Retry(attempts=8, up_to=3600), 1, retry_after=120) for _ in range(50)]
    assert min(drawn) >= 120


def test_an_attempt_that_would_come_too_late_is_not_made():
    assert due(Retry(attempts=8, up_to=3600), 1, retry_after=4000) is None
    assert due(Retry(attempts=8, up_to=3600), 2, since=3601) is None
