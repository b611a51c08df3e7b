"""Every AWS call of a scenario fails once, in every way, and nothing is lost or repeated."""

from __future__ import annotations

import random

import pytest

from tests.conftest import FAULTS_TRIED
from tests.faults.network import Fault
from tests.faults.simulation import simulate


def post_record(simulation):
    """Post a record: two jobs deliver it, and a third follows one of them."""
    simulation.send("plain", {"id": "r1"})
    simulation.run_until_idle()


def start_cron_job(simulation):
    """Start a job with a tick: it emits two messages, and their jobs deliver them."""
    simulation.first_tick()
    simulation.advance(3540)
    simulation.tick()
    simulation.run_until_idle()


def post_large_record(simulation):
    """Post a record whose body and states are stored in the bucket."""
    simulation.send("once", {"id": "r2", "noise": simulation.noise})
    simulation.run_until_idle()


def post_private_record(simulation):
    """Post a record that is erased after its jobs have delivered and emitted."""
    simulation.send("private", {"id": "r3"})
    simulation.run_until_idle()


def until_last_delivery(calls):
    """Return the numbers of the calls up to the last for an event of a queue."""
    return range(max(number for number, call in enumerate(calls) if call.delivered) + 1)


def until_last_queued(calls):
    """Return the numbers of the calls until the last run is queued."""
    return range(max(n for n, call in enumerate(calls) if call.name == "sqs.SendMessageBatch") + 1)


def calls_to_s3(calls):
    """Return the numbers of the calls to S3."""
    return [number for number, call in enumerate(calls) if call.name.startswith("s3.")]


def is_inside_a_loop(calls, number):
    """Return whether the calls before and after are the same query of other partitions.

    Such a loop writes nothing and ends at the first failure, so its first and last call are enough.
    """
    queries = [call.partition for call in calls[max(number - 1, 0) : number + 2]]
    return queries == [calls[number].partition] * 3 and queries[0] != ""


@pytest.fixture
def simulation(tmp_path, fault_seed):
    with simulate(tmp_path, fault_seed) as running:
        running.noise = random.Random(fault_seed or 1).randbytes(370_000).hex()
        yield running


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize(
    ("scenario", "select_calls", "at_least"),
    [
        (post_record, until_last_delivery, 10),
        (start_cron_job, until_last_queued, 7),
        (post_large_record, calls_to_s3, 2),
    ],
    ids=["post", "cron", "large"],
)
def test_nothing_is_lost_or_repeated_whichever_call_fails(
    simulation, scenario, select_calls, at_least, fault, record_property
):
    check_every_call(simulation, scenario, select_calls, at_least, fault, record_property)


# The other faults take too long: `post` has them for the same calls.
@pytest.mark.parametrize("fault", [Fault.DIES_AFTER], ids=["dies_after"])
def test_nothing_is_lost_or_left_if_a_process_dies_before_an_erasure(
    simulation, fault, record_property
):
    scenario = post_private_record
    check_every_call(simulation, scenario, until_last_delivery, 12, fault, record_property)


def check_every_call(simulation, scenario, select_calls, at_least, fault, record_property):
    """Let each selected call fail once, and check the promises after each."""
    scenario(simulation)
    simulation.check()
    calls = simulation.network.calls
    numbers = [
        number
        for number in select_calls(calls)
        if calls[number].has_own(fault) and not is_inside_a_loop(calls, number)
    ]
    for number in numbers:
        simulation.begin()
        simulation.network.expect(number, fault)
        try:
            scenario(simulation)
            simulation.check()
            # A run that one runner has claimed is not executed by another.
            assert fault != Fault.TWICE or simulation.repeated_deliveries() == []
        except Exception as error:
            error.add_note(f"call {number}, {calls[number].name}: {fault}")
            raise
        assert simulation.network.happened
        assert simulation.network.calls[: number + 1] == calls[: number + 1]
    assert simulation.count_queued("DeadLetters") == 0
    assert len(numbers) >= at_least
    record_property(FAULTS_TRIED, len(numbers))
