"""The tick counts each hour's messages and runs once the hour has ended, and a day later again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from openfn import ids
from openfn.history import activity, hour_counts, status
from openfn.history.hour_counts import HourCounts
from openfn.history.messages import MessageState
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.runs import store as runs
from openfn.runs.model import Plan
from tests.conftest import hurried_tick, tick

NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"
START = datetime(2026, 3, 9, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEN = START.replace(minute=0)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def stack(create_job_stack, clock):
    return create_job_stack(NOTHING)


def receive(count, inbox="inbox-a"):
    """Store messages that are matched by nothing yet; return their ids."""
    names = [ids.new_message_id() for _ in range(count)]
    messages.store_all([(Message(name, inbox, b"{}"), None) for name in names])
    return names


def tick_at(stack, clock, when, tick=tick):
    clock.move_to(when)
    tick(stack, when.isoformat())


def stored(since=START - timedelta(days=3), until=START + timedelta(days=9)):
    return {counts.hour: counts for counts in hour_counts.read(since, until)}


def test_hour_is_counted_after_its_end(stack, clock):
    tick_at(stack, clock, START)
    names = receive(20)
    runs.create([Plan(name, "job-a", "all") for name in names[:5]], "version")
    messages.mark_unmatched(names[5], "version")
    other = receive(1, "inbox-b")
    tick_at(stack, clock, TEN + HOUR + timedelta(minutes=4))
    assert stored() == {}
    tick_at(stack, clock, TEN + HOUR + timedelta(minutes=5))
    counts = stored()[TEN]
    assert counts.messages["inbox-a"][MessageState.UNMATCHED] == 1
    assert counts.messages["inbox-b"].total() == 1
    assert counts.total == 21
    assert counts.runs["job-a"].total() >= 5
    assert counts.last == {"inbox-a": max(names), "inbox-b": other[0]}


def test_hour_is_counted_again_a_day_later(stack, clock):
    tick_at(stack, clock, START)
    names = receive(3)
    after = TEN + HOUR + timedelta(minutes=5)
    tick_at(stack, clock, after)
    assert stored()[TEN].messages == {"inbox-a": Counter({MessageState.PENDING: 3})}
    for name in names:
        messages.mark_unmatched(name, "version")
    tick_at(stack, clock, after + timedelta(days=1, hours=-1))
    assert stored()[TEN].messages == {"inbox-a": Counter({MessageState.PENDING: 3})}
    tick_at(stack, clock, after + timedelta(days=1))
    assert stored()[TEN].messages == {"inbox-a": Counter({MessageState.UNMATCHED: 3})}


def test_ticks_without_time_count_a_shard_each(stack, clock):
    tick_at(stack, clock, START)
    receive(40)
    after = TEN + HOUR + timedelta(minutes=5)
    for minute in range(len(ids.SHARDS)):
        assert TEN not in stored()
        tick_at(stack, clock, after + timedelta(minutes=minute), hurried_tick)
    assert stored()[TEN].total == 40


def test_hours_without_ticks_are_counted_afterwards(stack, clock):
    tick_at(stack, clock, START)
    receive(2)
    clock.move_to(START + timedelta(hours=15))
    receive(3)
    tick_at(stack, clock, START + timedelta(hours=30))
    totals = {hour: counts.total for hour, counts in stored().items() if counts.total}
    assert totals == {TEN: 2, TEN + timedelta(hours=15): 3}
    assert len([hour for hour in stored() if hour >= TEN]) == 30


def test_long_gap_is_not_counted(stack, clock):
    tick_at(stack, clock, START)
    tick_at(stack, clock, START + timedelta(days=8))
    assert min(stored()) == TEN + timedelta(days=5)
    assert max(stored()) == TEN + timedelta(days=8) - HOUR


def test_status_of_a_large_stack_comes_from_the_counts(stack, clock):
    since = START - timedelta(days=2)
    whole_hours = [TEN - number * HOUR for number in range(1, 48)]
    for hour in whole_hours:
        states = {"inbox-a": Counter({MessageState.MATCHED: 41_000, MessageState.UNMATCHED: 667})}
        runs_of_hour = {"job-a": Counter({"succeeded": 41_000})}
        hour_counts.store(HourCounts(hour, states, runs_of_hour, {}))
    clock.move_to(since + timedelta(minutes=10))  # in an hour that is only partly in the period
    receive(3)
    clock.move_to(TEN + timedelta(seconds=1))  # the first hour that is not counted yet
    names = receive(2)
    clock.move_to(START)
    current = status.read(since)
    assert current.messages == {
        MessageState.MATCHED: 47 * 41_000,
        MessageState.UNMATCHED: 47 * 667,
        MessageState.PENDING: 5,
    }
    assert current.runs == {"succeeded": 47 * 41_000}
    assert current.last == ids.received_at(max(names))
    assert not current.more


def test_status_of_a_small_stack_is_of_this_moment(stack, clock):
    tick_at(stack, clock, START)
    (name,) = receive(1)
    tick_at(stack, clock, TEN + HOUR + timedelta(minutes=5))
    messages.mark_unmatched(name, "version")
    assert status.read(START - HOUR).messages == {MessageState.UNMATCHED: 1}


def test_uncounted_messages_beyond_the_limit_are_reported(stack, clock):
    receive(30)
    received = activity.read(START - HOUR, START + HOUR, limit=20)
    assert received.states.total() == 20
    assert received.more
    assert not activity.read(START - HOUR, START + HOUR, limit=30).more
