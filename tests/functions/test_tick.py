"""A tick shares its time: no part's backlog starves another, and what is left over comes next."""

from __future__ import annotations

import json
import time

import pytest

from openfn import ids
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.runs import store as runs
from openfn.runs.dispatch import MAX_QUEUED, PAGE_RUNS
from openfn.runs.model import Plan, RunStatus
from openfn.storage import attention, aws, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Setting
from tests.conftest import hurried_tick
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call

PROJECT = """
triggers:
  all: {inclusion: {}}
  other: {inclusion: {other: true}}
  hourly: {cron: "* * * * *"}
credentials:
  secret-a: {adaptor: http}
  secret-b: {adaptor: http}
jobs:
  job-a: {trigger: all, credential: secret-a, expression: jobs/a.py}
  job-b: {trigger: other, credential: secret-b, expression: jobs/a.py}
  job-c: {trigger: hourly, expression: jobs/a.py}
"""
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"
FEW = 5


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=NOTHING)


def create_waiting(job, count, mark):
    """Create runs that wait with a mark for the tick; return their ids in order."""
    plans = sorted((Plan(ids.new_message_id(), job, "all") for _ in range(count)), key=_id)
    item = {"status": RunStatus.WAITING, "attempt": 1, "due": 0, "expires": 2**31}
    item |= {"kind": "message", "job": job, "trigger": "all"}
    table.put_groups([[{**ids.key_of(plan.id), **item, **mark(plan.id)}] for plan in plans])
    return [plan.id for plan in plans]


def _id(plan):
    return plan.id


def close_circuit(credential, at=1.0):
    changes = {"state": "closing", "until": 2**31, "failures": 0}
    key = {"pk": f"credential#{credential}", "sk": "circuit"}
    table.update(key, changes | attention.mark(Attention.CIRCUIT, at))


def behind(credential):
    return lambda run_id: attention.mark(attention.behind_circuit(credential), run_id)


def queued_runs():
    """Take all ids off the run queue, in order."""
    sqs, url, received = stack_client.client("sqs"), aws.setting(Setting.RUN_QUEUE_URL), []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        received += [json.loads(message["Body"])["run_id"] for message in batch]
        entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in batch]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return [run_id for run_id in received if not run_id.endswith("#job-c")]


def test_released_backlog_keeps_its_order_over_several_ticks(stack):
    run_ids = create_waiting("job-a", PAGE_RUNS + FEW, behind("secret-a"))
    close_circuit("secret-a")
    hurried_tick(stack)
    assert queued_runs() == run_ids[:PAGE_RUNS]
    hurried_tick(stack)
    assert queued_runs() == run_ids[PAGE_RUNS:]
    waiting = [run.id for page in runs.flagged(Attention.WAITING) for run in page]
    assert waiting == run_ids


def test_tick_with_time_releases_the_whole_backlog(stack):
    run_ids = create_waiting("job-a", PAGE_RUNS + FEW, behind("secret-a"))
    close_circuit("secret-a")
    stack.tick()
    assert queued_runs() == run_ids


def test_circuits_take_turns(stack):
    first = create_waiting("job-a", PAGE_RUNS + FEW, behind("secret-a"))
    second = create_waiting("job-b", PAGE_RUNS + FEW, behind("secret-b"))
    close_circuit("secret-a", 1.0)
    close_circuit("secret-b", 2.0)
    queued = []
    for _ in range(4):
        hurried_tick(stack)
        queued.append(queued_runs())
    assert queued == [first[:PAGE_RUNS], second[:PAGE_RUNS], first[PAGE_RUNS:], second[PAGE_RUNS:]]


def test_due_runs_of_both_kinds_are_queued_by_a_tick_without_time(stack):
    for kind in (Attention.RUN_UNQUEUED, Attention.WAITING):
        create_waiting("job-a", PAGE_RUNS + FEW, lambda _, kind=kind: attention.mark(kind, 1.0))
    hurried_tick(stack)
    assert len(queued_runs()) == 2 * PAGE_RUNS
    hurried_tick(stack)
    assert len(queued_runs()) == 2 * FEW


def test_full_run_queue_receives_only_a_few_runs_a_tick(stack):
    run_ids = create_waiting("job-a", PAGE_RUNS + FEW, behind("secret-a"))
    close_circuit("secret-a")

    def fill(parsed, **_):
        parsed["Attributes"]["ApproximateNumberOfMessages"] = str(MAX_QUEUED)

    with hook_aws_call("after-call.sqs.GetQueueAttributes", fill):
        stack.tick()
    assert queued_runs() == run_ids[:PAGE_RUNS]


def test_backlog_of_one_part_starves_no_other(stack, log_lines):
    create_waiting("job-a", PAGE_RUNS + FEW, behind("secret-a"))
    close_circuit("secret-a")
    with hook_aws_call("before-call.sqs.SendMessageBatch", _fail):
        for _ in range(3):
            message_id = ids.new_message_id()
            messages.store(Message(message_id, "inbox-a", b"{}"))
            messages.queue(message_id, "inbox-a")
    hurried_tick(stack)
    assert len(log_lines.events(LogEvent.RUN_DUE)) == 1
    assert log_lines.events(LogEvent.MESSAGES_QUEUED_LATE)[0]["messages"] == 3
    assert log_lines.events(LogEvent.RUNS_QUEUED_AGAIN)[0]["runs"] == PAGE_RUNS
    assert table.get([{"pk": "reconciliation", "sk": "position"}]) != []


def _fail(**_):
    raise aws.AWSError("EndpointConnectionError", "")


def test_missed_minutes_are_handled_in_pieces(create_project_stack, log_lines):
    jobs = "".join(f"  n{n}: {{trigger: each, expression: jobs/a.py}}\n" for n in range(25))
    stack = create_project_stack(
        f'triggers: {{each: {{cron: "* * * * *"}}}}\njobs:\n{jobs}', a=NOTHING
    )
    now = time.time() // 60 * 60
    for minutes in (3, 0, 0):
        hurried_tick(stack, table.timestamp(now - 60 * minutes))
    due = [event["run_id"] for event in log_lines.events(LogEvent.RUN_DUE)]
    assert len(set(due)) == len(due) == 4 * 25
    times = [ids.received_at(run_id) for run_id in due]
    assert times == sorted(times)
