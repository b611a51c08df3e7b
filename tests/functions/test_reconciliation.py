"""Reconciliation queues messages and runs that were stored but never queued."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import aws
from tests.conftest import tick

NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture
def stack(create_job_stack):
    return create_job_stack(NOTHING)


def look(stack):
    """Send the last tick that runs the reconciliation."""
    tick(stack, _minute().isoformat())


def _minute():
    now = datetime.now(UTC)
    return now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)


def stored_message(body="{}", minutes=20, number=0):
    """Store a message received some minutes ago, as an inbox that dies before it queues it."""
    when = ids.minute_id(_minute() - timedelta(minutes=minutes))
    message_id = f"{when[:-12]}{number:012x}"
    messages.store(Message(message_id, "inbox-a", body.encode()))
    return message_id


def test_message_that_was_stored_but_not_queued_is_queued(stack, log_lines):
    message_id = stored_message()
    look(stack)
    stack.drain()
    assert details.run(ids.run_id(message_id, "job-a")).status == "succeeded"
    (event,) = log_lines.events(LogEvent.ORPHANS_QUEUED)
    assert (event["messages"], event["runs"]) == (1, 0)


@pytest.mark.parametrize("minutes", [5, 45])
def test_messages_outside_the_checked_period_are_not_queued(stack, log_lines, minutes):
    stored_message(minutes=minutes)
    look(stack)
    assert log_lines.events(LogEvent.ORPHANS_QUEUED) == []


def test_run_that_was_created_but_not_queued_is_queued(stack):
    message_id = stored_message()
    runs.create([Plan(message_id, "job-a", "all")], "version")
    look(stack)
    stack.drain()
    assert details.run(ids.run_id(message_id, "job-a")).status == "succeeded"


def test_run_whose_lease_has_ended_is_queued(stack):
    message_id = stored_message()
    plan = Plan(message_id, "job-a", "all")
    runs.create([plan], "version")
    runs.claim(plan.id, -5)
    look(stack)
    stack.drain()
    assert (details.run(plan.id).status, details.run(plan.id).attempt) == ("succeeded", 2)


def test_run_that_is_being_executed_is_not_queued(stack, log_lines):
    plan = Plan(stored_message(), "job-a", "all")
    runs.create([plan], "version")
    runs.claim(plan.id, 600)
    look(stack)
    assert log_lines.events(LogEvent.ORPHANS_QUEUED) == []


def test_ended_unmatched_and_unreadable_items_are_no_orphans(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING, inclusion="{a: 1}")
    for number, body in enumerate(('{"a": 1}', '{"a": 2}')):
        messages.queue(stored_message(body, number=number))
    stack.drain()
    unreadable = Message(stored_message(number=9, minutes=5)[:-1] + "8", "inbox-a", b"{")
    messages.store(unreadable, unreadable="not JSON")
    look(stack)
    assert log_lines.events(LogEvent.ORPHANS_QUEUED) == []


def test_orphans_of_an_ordered_inbox_are_queued_in_order(create_project_stack, log_lines):
    stack = create_project_stack(
        """
        triggers: {all: {inclusion: {}, order_by: case}}
        jobs: {job-a: {trigger: all, expression: jobs/a.py}}
        """,
        a=NOTHING,
    )
    message_ids = [stored_message(json.dumps({"case": 1, "n": n}), number=n) for n in range(5)]
    look(stack)
    stack.drain()
    events = log_lines.events(LogEvent.RUN_SUCCEEDED)
    matched = [ids.source_id_of(event["run_id"]) for event in events]
    assert matched == message_ids


def test_reconciliation_reads_sixteen_partitions_every_ten_minutes(stack):
    calls = []
    hooks = aws.client("dynamodb").meta.events
    hooks.register("before-parameter-build", lambda model, **_: calls.append(model.name))
    for minute in range(10):
        tick(stack, f"2026-03-09T10:{minute:02}:00Z")
    others = [name for name in calls if name != "Query"]
    assert others == []
    flags = 5 * 10  # unqueued messages and runs, waiting runs, circuits due and open
    assert calls.count("Query") == flags + 16
