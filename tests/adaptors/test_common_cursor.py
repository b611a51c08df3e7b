"""Cursors: the point at which a job's next run continues."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import time_machine

from adaptors._runtime.run_context import run_context
from adaptors.common import cursor, source_value

BEGAN = datetime(2026, 3, 9, 14, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture
def nairobi():
    """Set the local time zone to one that is not UTC."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "Africa/Nairobi")
        time.tzset()
        yield
    time.tzset()


def at(operation, state=None, started_at=BEGAN):
    with run_context("run", started_at):
        return operation(state or {})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("start", "2026-03-09T14:30:15.250Z"),
        ("now", "2026-03-09T14:30:15.250Z"),
        ("end", "2026-03-09T14:30:15.250Z"),
        ("today", "2026-03-09T00:00:00.000Z"),
        ("yesterday", "2026-03-08T00:00:00.000Z"),
        ("1 hour ago", "2026-03-09T13:30:15.250Z"),
        ("24 hours ago", "2026-03-08T14:30:15.250Z"),
        ("15 minutes ago", "2026-03-09T14:15:15.250Z"),
        ("1 day ago", "2026-03-08T00:00:00.000Z"),
        ("10 days ago", "2026-02-27T00:00:00.000Z"),
        ("2 weeks ago", "2026-02-23T00:00:00.000Z"),
    ],
)
def test_text_is_a_time_relative_to_the_start_of_the_run(value, written):
    assert at(cursor(value)) == {"cursor": written}


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-09",
        "2026-03-09T14:30:15.250Z",
        "page-7",
        "",
        "Today",
        7,
        0,
        False,
        {"page": 2},
        [1],
    ],
)
def test_other_values_stay_unchanged(value):
    assert at(cursor(value)) == {"cursor": value}


@pytest.mark.parametrize("value", ["3 months ago", "a while ago", "-1 days ago", "1.5 hours ago"])
def test_invalid_relative_time_is_an_error(value):
    with pytest.raises(ValueError, match=r"is not a time. Use minutes, hours, days or weeks"):
        at(cursor(value))


def test_cursor_is_the_stored_value_or_the_default():
    fetch = cursor(source_value("cursor"), default="today")
    first = at(fetch, {"references": []})
    assert first == {"references": [], "cursor": "2026-03-09T00:00:00.000Z"}
    assert at(fetch, first, BEGAN + timedelta(days=3)) == first
    assert at(cursor(None)) == {"cursor": None}
    assert at(cursor(None, default=lambda state: state["since"]), {"since": 4})["cursor"] == 4


def test_every_call_has_its_own_key():
    state = at(cursor("today", key="since"))
    assert at(cursor("now", key="until"), state) == {
        "since": "2026-03-09T00:00:00.000Z",
        "until": "2026-03-09T14:30:15.250Z",
    }
    assert set(at(cursor("now"), state)) == {"since", "cursor"}


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("%Y-%m-%d", "2026-03-09"),
        (lambda when: when.timestamp(), BEGAN.timestamp()),
        (lambda when: when.date().isoformat(), "2026-03-09"),
    ],
)
def test_time_is_formatted_as_the_job_wants(form, written):
    assert at(cursor("now", format=form)) == {"cursor": written}


def test_only_times_are_formatted():
    state = {"cursor": "2026-03-09"}
    assert at(cursor(source_value("cursor"), format="%Y"), state) == state
    assert at(cursor(7, format=lambda _: "changed")) == {"cursor": 7}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 3, 9), "2026-03-09T00:00:00.000Z"),
        (datetime(2026, 3, 9, 1, tzinfo=UTC), "2026-03-09T01:00:00.000Z"),
        (datetime(2026, 3, 9, 1, tzinfo=timezone(timedelta(hours=2))), "2026-03-08T23:00:00.000Z"),
        (datetime(2026, 3, 9, 1), "2026-03-09T01:00:00.000Z"),  # noqa: DTZ001
    ],
)
def test_python_dates_and_times_are_formatted_in_utc(value, written, nairobi):
    assert at(cursor(lambda _: value)) == {"cursor": written}


def test_start_in_another_time_zone_is_converted_to_utc():
    started_at = datetime(2026, 3, 9, 1, tzinfo=timezone(timedelta(hours=2)))
    assert at(cursor("today"), started_at=started_at) == {"cursor": "2026-03-08T00:00:00.000Z"}


def test_retry_has_the_same_times():
    first = [at(cursor(text)) for text in ("start", "now", "2 hours ago", "today")]
    with time_machine.travel(BEGAN + timedelta(days=2)):
        assert [at(cursor(text)) for text in ("start", "now", "2 hours ago", "today")] == first


def test_now_outside_of_a_run_is_the_current_time():
    before = datetime.now(UTC)
    stored = datetime.fromisoformat(cursor("now")({})["cursor"])
    assert before - timedelta(milliseconds=1) <= stored <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("value", "options", "written"),
    [
        ("today", {}, "2026-03-08T21:00:00.000Z"),
        ("yesterday", {}, "2026-03-07T21:00:00.000Z"),
        ("2 days ago", {}, "2026-03-06T21:00:00.000Z"),
        ("now", {}, "2026-03-09T14:30:15.250Z"),
        ("today", {"format": "%Y-%m-%d %H:%M"}, "2026-03-09 00:00"),
        (date(2026, 3, 9), {}, "2026-03-08T21:00:00.000Z"),
        ("today", {"format": lambda time: time.utcoffset().seconds}, 3 * 3600),
    ],
)
def test_days_of_a_cursor_start_in_its_time_zone(value, options, written):
    operate = cursor(value, timezone="Africa/Nairobi", **options)
    assert at(operate)["cursor"] == written
    with run_context("run", BEGAN, timezone="Africa/Nairobi"):
        assert cursor(value, **options)({})["cursor"] == written


def test_day_whose_midnight_comes_twice_starts_at_the_first():
    operate = cursor("today", timezone="America/Havana")
    for hour in (4, 5, 12):
        state = at(operate, started_at=datetime(2026, 11, 1, hour, 30, tzinfo=UTC))
        assert state["cursor"] == "2026-11-01T04:00:00.000Z"


def test_day_that_is_an_hour_shorter_starts_at_midnight():
    operate = cursor("1 day ago", timezone="America/New_York")
    state = at(operate, started_at=datetime(2026, 3, 9, 5, tzinfo=UTC))
    assert state["cursor"] == "2026-03-08T05:00:00.000Z"


def test_unknown_time_zone_is_an_error():
    with pytest.raises(ValueError, match="'Nairobi' is not a time zone"):
        at(cursor("today", timezone="Nairobi"))
