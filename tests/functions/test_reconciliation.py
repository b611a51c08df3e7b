"""Reconciliation queues messages and runs that were stored but never queued."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.runs.reconciliation import MAX_ORPHANS
from openfn.storage import aws, table
from openfn.storage.aws import Setting
from tests.conftest import hurried_tick, tick
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call

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
        messages.queue(stored_message(body, number=number), "inbox-a")
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
    with hook_aws_call(
        "before-parameter-build.dynamodb", lambda model, **_: calls.append(model.name)
    ):
        for minute in range(10):
            tick(stack, f"2026-03-09T10:{minute:02}:00Z")
    # The position is read at each tick, and recorded once. So is that of the counts: at first, and
    # at the end of an hour's count and of that of the day before, with the counts of both hours.
    assert calls.count("BatchGetItem") == 2 * 10
    assert calls.count("UpdateItem") == 1 + 5
    # Late messages and those of earlier releases, refused and waiting runs, circuits due and open.
    flags, counts = 6 * 10, 2 * 16
    assert calls.count("Query") == flags + 16 + counts


POSITION = {"pk": "reconciliation", "sk": "position"}
COUNT = MAX_ORPHANS * 2 + 20


def stored_messages(count=COUNT):
    """Store orphaned messages in one transaction for each hundred; return their ids in order."""
    when = ids.minute_id(_minute() - timedelta(minutes=20))
    message_ids = [f"{when[:-12]}{number:012x}" for number in range(count)]
    messages.store_all([(Message(id_, "inbox-a", b"{}"), None) for id_ in message_ids])
    return message_ids


def queued_ids():
    """Take all ids off the match queue, in order."""
    sqs, url, received = stack_client.client("sqs"), aws.setting(Setting.MATCH_QUEUE_URL), []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        received += [json.loads(message["Body"])["message_id"] for message in batch]
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return received


def minute_after(minutes):
    return (_minute() + timedelta(minutes=minutes)).isoformat()


def test_tick_without_time_continues_where_the_last_one_stopped(stack, log_lines):
    message_ids = stored_messages()
    for minute in range(3):
        hurried_tick(stack, minute_after(minute))
    events = log_lines.events(LogEvent.ORPHANS_QUEUED)
    assert [event["messages"] for event in events] == [MAX_ORPHANS, MAX_ORPHANS, 20]
    assert queued_ids() == message_ids


def test_tick_with_time_queues_all_pieces_in_order(stack, log_lines):
    message_ids = stored_messages()
    look(stack)
    assert queued_ids() == message_ids
    tick(stack, minute_after(1))
    assert queued_ids() == []


@pytest.mark.parametrize("call", ["dynamodb.UpdateItem", "sqs.SendMessageBatch"])
def test_piece_is_read_again_if_it_was_not_recorded(stack, call):
    message_ids = stored_messages(5)

    def fail(**_):
        raise EndpointConnectionError(endpoint_url="https://aws")

    with hook_aws_call(f"before-call.{call}", fail), suppress(aws.AWSError):
        hurried_tick(stack, minute_after(0))
    queued_ids()
    hurried_tick(stack, minute_after(1))
    assert queued_ids() == message_ids


def test_tick_that_dies_repeats_only_the_piece_that_it_had_begun(stack):
    message_ids = stored_messages()

    class Died(BaseException):
        """The function timed out."""

    def die(params, **_):
        if message_ids[MAX_ORPHANS] in str(params):
            raise Died

    with hook_aws_call("before-parameter-build.sqs.SendMessageBatch", die), pytest.raises(Died):
        look(stack)
    assert queued_ids() == message_ids[:MAX_ORPHANS]
    tick(stack, minute_after(1))
    assert queued_ids() == message_ids[MAX_ORPHANS:]


def test_overlapping_ticks_skip_nothing(stack):
    message_ids = stored_messages()
    others = [minute_after(1)]

    def overlap(**_):
        if others:
            hurried_tick(stack, others.pop())

    with hook_aws_call("before-call.sqs.SendMessageBatch", overlap):
        look(stack)
    tick(stack, minute_after(2))
    assert sorted(set(queued_ids())) == message_ids
    (position,) = table.get([POSITION])
    assert position["after"] == ids.minute_id(_minute() - timedelta(minutes=10))


def test_reconciliation_reads_everything_since_the_last_pass(stack, log_lines):
    tick(stack, minute_after(-180))
    stored_message(minutes=100)
    look(stack)
    (event,) = log_lines.events(LogEvent.ORPHANS_QUEUED)
    assert event["messages"] == 1


def test_reconciliation_continues_over_midnight(stack, log_lines):
    for second, hour in ((1, 23), (2, 1)):
        when = datetime(2026, 3, 8 if hour == 23 else 9, hour, tzinfo=UTC)
        messages.store(Message(f"{ids.minute_id(when)[:-1]}{second}", "inbox-a", b"{}"))
    tick(stack, "2026-03-08T21:00:00Z")
    tick(stack, "2026-03-09T02:00:00Z")
    (event,) = log_lines.events(LogEvent.ORPHANS_QUEUED)
    assert event["messages"] == 2


def test_ten_minutes_are_read_again_in_the_next_pass(stack, log_lines):
    plan = Plan(stored_message(minutes=22), "job-a", "all")
    runs.create([plan], "version")
    runs.claim(plan.id, 600)
    tick(stack, minute_after(-10))
    assert log_lines.events(LogEvent.ORPHANS_QUEUED) == []
    table.update(ids.key_of(plan.id), {"lease": 1})
    look(stack)
    (event,) = log_lines.events(LogEvent.ORPHANS_QUEUED)
    assert (event["messages"], event["runs"]) == (0, 1)
