"""Every AWS call of a scenario fails once, in every way; afterwards nothing is lost or double."""

from __future__ import annotations

import random

import pytest

from tests.conftest import FAULTS_TRIED
from tests.faults.network import Way
from tests.faults.world import around


def posted(world):
    """A post matches two jobs, both deliver, and a third follows one of them."""
    world.send("plain", {"id": "r1"})
    world.rest()


def on_the_clock(world):
    """A tick starts a job that emits two messages, and their jobs deliver them."""
    world.start_clock()
    world.passes(3540)
    world.tick()
    world.rest()


def large(world):
    """A body and a state that do not fit in an item travel through the bucket."""
    world.send("once", {"id": "r2", "noise": NOISE})
    world.rest()


def until_all_has_run(calls):
    """Give the numbers of the calls before the closing ticks, which the clock's scenario has."""
    return range(max(number for number, call in enumerate(calls) if call.delivered) + 1)


def until_all_is_queued(calls):
    """Give the numbers of the calls up to the last run's being queued: it is like a post's."""
    return range(max(n for n, call in enumerate(calls) if call.name == "sqs.SendMessageBatch") + 1)


def to_the_bucket(calls):
    """Give the numbers of the calls to S3."""
    return [number for number, call in enumerate(calls) if call.name.startswith("s3.")]


def in_a_row(calls, number):
    """Say whether the same is asked of a partition right before and right after.

    One loop goes through the partitions, writes nothing meanwhile and ends where one cannot be
    read: the first and the last of them stand for the others.
    """
    asked = [each.partition for each in calls[max(number - 1, 0) : number + 2]]
    return asked == [calls[number].partition] * 3 and asked[0] != ""


NOISE = random.Random(1).randbytes(370_000).hex()


@pytest.fixture
def world(tmp_path):
    with around(tmp_path) as made:
        yield made


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name.lower())
@pytest.mark.parametrize(
    ("scenario", "concerned", "at_least"),
    [
        (posted, until_all_has_run, 10),
        (on_the_clock, until_all_is_queued, 7),
        (large, to_the_bucket, 2),
    ],
    ids=["posted", "on_the_clock", "large"],
)
def test_nothing_is_lost_or_double_whichever_call_goes_wrong(
    world, scenario, concerned, at_least, way, record_property
):
    scenario(world)
    world.check()
    calls = world.network.calls
    tried = [
        number
        for number in concerned(calls)
        if calls[number].may_go(way) and not in_a_row(calls, number)
    ]
    for number in tried:
        world.begin()
        world.network.expect(number, way)
        try:
            scenario(world)
            world.check()
            # A run that is in one runner's hands is executed by no other.
            assert way != Way.TWICE or world.doubled() == []
        except Exception as error:
            error.add_note(f"call {number}, {calls[number].name}: {way}")
            raise
        assert world.network.happened
        assert world.network.calls[: number + 1] == calls[: number + 1]
    assert world.waiting("DeadLetters") == 0
    assert len(tried) >= at_least
    record_property(FAULTS_TRIED, len(tried))
