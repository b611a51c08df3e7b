"""A destination that is down for hours changes neither the order nor the number of deliveries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from openfn.runs import circuit_breaker
from openfn.storage import secrets
from tests.conftest import post
from tests.faults import queues
from tests.support.fake_destination import FakeDestination

START = datetime(2026, 3, 9, 9, 1, tzinfo=UTC)
PROJECT = """
triggers:
  visit: {inclusion: {}, order_by: case}
credentials:
  registry: {adaptor: http}
jobs:
  job-a: {trigger: visit, credential: registry, expression: jobs/a.py}
"""
DELIVER = """
from adaptors.http import post
post("visits", lambda state: state["data"])
"""


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=True) as clock:
        secrets.clear_cache()
        circuit_breaker.clear_cache()
        yield clock


def _pass_minutes(stack, clock, minutes):
    for minute in range(minutes):
        clock.shift(timedelta(minutes=1))
        circuit_breaker.clear_cache()
        if minute % 15 == 0:
            stack.tick()
        stack.drain()


def test_ordered_records_are_delivered_in_order_after_an_outage_of_hours(
    create_project_stack, clock
):
    with FakeDestination().running() as destination:
        stack = create_project_stack(PROJECT, a=DELIVER)
        stack.set_credential("registry", {"baseUrl": destination.url})
        destination.default_status = 503
        # Runs on other cases, so that the circuit opens.
        others = [{"case": f"other-{number}", "n": 0} for number in range(5)]
        for record in [*others, *({"case": "c", "n": n} for n in range(1, 22))]:
            post(stack, json.dumps(record))
        stack.drain()
        _pass_minutes(stack, clock, 210)
        del destination.received[:]
        destination.default_status = 200
        _pass_minutes(stack, clock, 60)
        delivered = [record["n"] for _, record in destination.received if record["case"] == "c"]
    assert delivered == list(range(1, 22))
    assert queues.count(stack.resources.physical_ids, "DeadLetters") == 0
