"""Scenarios of the fault tests: each is short and has its own features; the last has all."""

from __future__ import annotations

import random


def post_record(simulation):
    """Post a record to an inbox with `dedupe`: one job delivers it."""
    simulation.send("once", {"id": "r1"})
    simulation.run_until_idle()


def repeat_record(simulation):
    """Post the same record twice: it is delivered once."""
    for _ in range(2):
        simulation.send("once", {"id": "r1"})
    simulation.run_until_idle()


def erase_record(simulation):
    """Post a record that is erased after its one job, and post it once more."""
    simulation.send("secret", {"id": "r1", "secret": "Amina"})
    simulation.run_until_idle()
    simulation.send("secret", {"id": "r1", "secret": "Amina"})
    simulation.run_until_idle()


def follow_record(simulation):
    """Post a record: two jobs deliver it, and a third follows one of them."""
    simulation.send("plain", {"id": "r1"})
    simulation.run_until_idle()


def catch_failure(simulation):
    """Post a record on which a job fails: another job follows the failure."""
    simulation.send("plain", {"id": "r1", "bad": "notify"})
    simulation.run_until_idle()


def start_cron_job(simulation):
    """Start a job with a tick: it emits two messages, and their jobs deliver them."""
    simulation.first_tick()
    simulation.advance(3540)
    simulation.tick()
    simulation.run_until_idle()


def post_large_record(simulation):
    """Post a record whose body and states are stored in the bucket."""
    noise = random.Random(1).randbytes(370_000).hex()
    simulation.send("secret", {"id": "r2", "secret": "Amina", "noise": noise})
    simulation.run_until_idle()


def post_private_record(simulation):
    """Post a record that is erased after its jobs have delivered, emitted and been followed."""
    simulation.send("private", {"id": "r3", "secret": "Amina"})
    simulation.run_until_idle()


def keep_failed_record(simulation):
    """Post a record that would be erased if one of its jobs did not fail."""
    simulation.send("private", {"id": "r3", "secret": "Amina", "bad": "assist"})
    simulation.run_until_idle()


def post_ordered_records(simulation):
    """Post two records of one case and one of another: the case keeps its order."""
    for identifier in ("a-1", "b-1", "a-2"):
        simulation.send("visits", {"id": identifier, "case": identifier[0]})
    simulation.run_until_idle()
    simulation.advance(1800)  # a tick finds what died before it was queued
    simulation.run_until_idle()


def retry_ordered_record(simulation):
    """Post a record while the destination is down, and a newer one of its case after that."""
    simulation.fail()
    simulation.send("visits", {"id": "a-1", "case": "a"})
    simulation.drain()
    simulation.recover()
    simulation.send("visits", {"id": "a-2", "case": "a"})
    simulation.run_until_idle()


def open_circuit(simulation):
    """Post records while the destination is down: five failures open the circuit."""
    simulation.fail()
    simulation.send("results", {"id": "r1"})
    simulation.drain()
    for identifier in ("a-1", "a-2"):
        simulation.send("visits", {"id": identifier, "case": "a"})
    _wait_and_recover(simulation, 600, 1800)


def do_everything(simulation):
    """Post records to be erased, in order, during an outage of hours; all kinds of jobs start."""
    simulation.first_tick()
    simulation.fail()
    simulation.send("results", {"id": "r1"})
    simulation.drain()
    for identifier in ("a-1", "b-1", "a-2", "a-1"):
        record = {"id": identifier, "case": identifier[0], "secret": "Amina"}
        simulation.send("clinic", record)
    simulation.send("private", {"id": "r2", "secret": "Amina"})
    _wait_and_recover(simulation, 600, 12_000)


def _wait_and_recover(simulation, *waits):
    simulation.drain()
    for seconds in waits:
        simulation.advance(seconds)
        simulation.tick()
        simulation.drain()
    simulation.recover()
    simulation.run_until_idle()


SHORTEST = (post_record, repeat_record, erase_record)
SHORT = (
    *SHORTEST,
    *(follow_record, catch_failure, start_cron_job, post_large_record, post_private_record),
    *(keep_failed_record, post_ordered_records, retry_ordered_record),
)
LONG = (open_circuit, do_everything)
SCENARIOS = SHORT + LONG
