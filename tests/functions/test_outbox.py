"""Emitted messages are published once, after their run has succeeded."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.runs import outbox, outcomes, replay
from openfn.runs import store as runs
from openfn.storage import aws, table
from tests.conftest import post, tick
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.sqs import sqs_event
from tests.support.stack_client import without_queue

PULL = """
from adaptors.common import each, emit, fn

fn(lambda state: {**state, "data": {"results": [{"_uuid": f"u{n}", "n": n} for n in range(25)]}})
each("results", emit("records"))
fn(lambda state: {"cursor": 25})
"""
PROJECT = """
inboxes:
  records: {{id_sha256: "{digest}"{options}}}
triggers:
  clock: {{cron: "* * * * *"}}
  record: {{inbox: records, inclusion: {{}}}}
  kept: {{success: keep}}
jobs:
  pull: {{trigger: clock, expression: jobs/pull.py}}
  keep: {{trigger: record, expression: jobs/keep.py}}
"""
KEEP = "from adaptors.common import fn\nfn(lambda state: {**state, 'kept': state['data']})\n"
EMIT = 'from adaptors.common import emit\nemit("records", {"name": "Amina Kofi"})\n'
NOW = "2026-03-09T10:00:00Z"
RUN = ids.run_id(ids.minute_id(datetime.fromisoformat(NOW)), "pull")


def project(options=""):
    return PROJECT.format(digest="0" * 64, options=f", {options}" if options else "")


def stored_records():
    """Return the bodies of the stored messages, oldest first."""
    return [json.loads(row.message.body) for row in reversed(details.newest_messages(100, days=2))]


@pytest.fixture
def pulled(create_project_stack):
    """Start a cron job with this code in a project that emits to its own inbox."""

    def run(code=PULL, keep=KEEP, options="", more=None):
        stack = create_project_stack(more or project(options), pull=code, keep=keep)
        tick(stack, NOW)
        return stack

    return run


def test_cron_job_emits_a_message_and_a_run_for_every_record(pulled, log_lines):
    pulled().drain()
    assert [record["n"] for record in stored_records()] == list(range(25))
    assert [event["job"] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)] == ["pull"] + [
        "keep"
    ] * 25
    (event,) = log_lines.events(LogEvent.MESSAGES_EMITTED)
    assert event["messages"] == 25


def test_emitted_messages_have_the_usual_initial_state(pulled):
    pulled().drain()
    record = details.newest_messages(1, days=2)[0]
    run = details.run(ids.run_id(record.message.id, "keep"))
    assert run.final["kept"] == {"_uuid": "u24", "n": 24}
    assert run.final["request"]["method"] == "EMIT"
    assert (record.message.emitted_by, record.message.depth, record.started_jobs) == (
        RUN,
        1,
        ("keep",),
    )


def test_emitting_needs_few_aws_calls(pulled):
    stack = pulled()
    calls = []

    def record(model, **_):
        calls.append(model.name)

    with (
        hook_aws_call("before-parameter-build.dynamodb", record),
        hook_aws_call("before-parameter-build.sqs", record),
    ):
        stack.invoke("runner", sqs_event("run_id", RUN))
    assert calls.count("TransactWriteItems") == 2  # the outcome with the job's state; the messages
    assert calls.count("SendMessageBatch") == 3
    assert len(calls) < 12


def test_failed_run_emits_nothing(pulled, log_lines):
    pulled(PULL + "fn(lambda state: state['no'])\n").drain()
    assert stored_records() == []
    assert len(log_lines.events(LogEvent.RUN_FAILED)) == 1
    assert log_lines.events(LogEvent.MESSAGES_EMITTED) == []


def test_run_that_is_delivered_again_emits_nothing_twice(pulled, log_lines):
    stack = pulled()
    for _ in range(3):
        assert stack.invoke("runner", sqs_event("run_id", RUN))["batchItemFailures"] == []
    stack.drain()
    assert len(stored_records()) == 25
    assert len([e for e in log_lines.events(LogEvent.RUN_SUCCEEDED) if e["job"] == "keep"]) == 25


def test_messages_are_published_later_if_the_runner_dies(pulled):
    stack = pulled()
    emitted = json.dumps([[ids.new_message_id(), "records", '{"n": 1}'] for _ in range(3)])
    outcome = outcomes.Outcome("", 1, final=b"{}", emitted=emitted.encode())
    outcomes.finish(runs.claim(RUN, 60), outcome)
    assert stored_records() == []
    stack.drain()
    assert stored_records() == [{"n": 1}] * 3


def test_unqueued_messages_are_queued_when_the_run_is_delivered_again(pulled):
    stack = pulled()
    with without_queue(stack, "MATCH_QUEUE_URL"):
        assert len(stack.invoke("runner", sqs_event("run_id", RUN))["batchItemFailures"]) == 1
    stack.drain()
    assert {row.started_jobs for row in details.newest_messages(100, days=2)} == {("keep",)}
    assert len(stored_records()) == 25


@pytest.mark.parametrize("size", [3, 400_000])
def test_emitted_messages_may_have_any_size(pulled, size):
    code = f"""
    import random
    from adaptors.common import emit

    emit("records", {{"noise": random.Random(1).randbytes({size}).hex()}})
    """
    pulled(code).drain()
    assert len(stored_records()[0]["noise"]) == 2 * size


def test_inbox_with_dedupe_stores_emitted_records_once(pulled, log_lines):
    code = """
    from adaptors.common import each, emit

    ROWS = [{"_uuid": "a", "n": 1}, {"_uuid": "b", "n": 2}, {"_uuid": "a", "n": 3}, {"n": 4}]
    each(lambda state: ROWS, emit("records"))
    """
    stack = pulled(code, options="dedupe: _uuid")
    post(stack, '{"_uuid": "b", "n": 0}', inbox="records")
    stack.drain()
    tick(stack, "2026-03-09T10:01:00Z")
    stack.drain()
    assert sorted(record["n"] for record in stored_records()) == [0, 1, 4, 4]
    assert len([e for e in log_lines.events(LogEvent.RUN_SUCCEEDED) if e["job"] == "keep"]) == 4


@pytest.mark.parametrize(
    ("argument", "kind", "words"),
    [
        ("recrods", "ProjectError", "has no inbox 'recrods' to emit to. It has: records."),
        ("records, float('nan')", "ConfigurationError", "NaN"),
        ("records, {'a': {1, 2}}", "TypeError", "JSON has no set"),
        ("records, nested(300)", "ProjectError", "nested deeper than 200 levels"),
    ],
)
def test_invalid_emits_fail_at_their_line(pulled, argument, kind, words):
    inbox, _, body = argument.partition(", ")
    code = f"""
    from adaptors.common import emit, fn
    INBOX = "{inbox}"

    def nested(depth):
        return [] if depth == 0 else [nested(depth - 1)]

    fn(lambda state: emit(INBOX, {body or "{}"})(state))
    """
    pulled(code).drain()
    error = details.run(RUN).error
    assert (error["type"], error["line"]) == (kind, 8)
    assert words in error["message"]


def test_jobs_that_emit_in_a_circle_are_stopped(pulled, log_lines):
    pulled(EMIT, keep=EMIT).drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 5
    (failed,) = log_lines.events(LogEvent.RUN_FAILED)
    assert "emit in a circle" in details.run(failed["run_id"]).error["message"]


def test_following_runs_count_towards_the_depth_of_a_circle(pulled, log_lines):
    follower = "  follow: {trigger: kept, expression: jobs/pull.py}\n"
    pulled(EMIT, more=project() + follower).drain()
    assert max(row.message.depth for row in details.newest_messages(50, days=2)) == 5
    assert [event["job"] for event in log_lines.events(LogEvent.RUN_FAILED)] == ["follow"]


def test_emitted_bodies_are_in_no_log_line(pulled, log_lines):
    pulled(EMIT).drain()
    assert stored_records() == [{"name": "Amina Kofi"}]
    assert "Amina" not in json.dumps(log_lines)


def test_publishing_a_long_list_resumes_where_it_stopped(pulled):
    pulled()
    emitted = [[ids.new_message_id(), "records", f'{{"n": {n}}}'] for n in range(35)]
    outcome = outcomes.Outcome("", 1, final=b"{}", emitted=json.dumps(emitted).encode())
    outcomes.finish(runs.claim(RUN, 60), outcome)
    calls = []

    def die(**_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with hook_aws_call("before-call.sqs.SendMessageBatch", die):
        with pytest.raises(KeyboardInterrupt):
            outbox.publish(runs.load(RUN), batch_size=10)
        assert outbox.publish(runs.load(RUN), batch_size=10) == 35
    assert len(calls) == 3 + 2  # twenty were published before it died, ten in each call
    assert [record["n"] for record in stored_records()] == list(range(35))


def test_replayed_run_publishes_all_its_new_messages(pulled):
    stack = pulled()
    stack.invoke("runner", sqs_event("run_id", RUN))
    table.update(ids.key_of(RUN), {"handed": 20})
    replay.replay(runs.load(RUN))
    stack.invoke("runner", sqs_event("run_id", RUN))
    assert len(stored_records()) == 50


def test_messages_emitted_to_an_ordered_inbox_are_matched_in_order(pulled):
    text = project().replace("inclusion: {}", "inclusion: {}, order_by: n")
    stack = pulled(more=text)
    stack.invoke("runner", sqs_event("run_id", RUN))
    sqs, url = stack_client.client("sqs"), aws.setting(aws.Setting.MATCH_QUEUE_URL)
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    assert {message["Attributes"]["MessageGroupId"] for message in received["Messages"]} == {
        "records"
    }
