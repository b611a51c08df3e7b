"""A job with several triggers runs once for a message, and once after each run that it follows."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from openfn import ids
from openfn.history import details, id_lookup
from openfn.log_events import LogEvent
from openfn.project import compiled as project
from openfn.runs import dispatch, replay
from openfn.runs import store as runs
from openfn.runs.model import RunStatus
from tests.conftest import post, tick
from tests.support.sqs import sqs_event
from workbench.project.compiler import compile_project

PROJECT = """
triggers:
  visit: {inclusion: {form: visit}}
  urgent: {inclusion: {urgent: true}}
  clock: {cron: "* * * * *"}
  hourly: {cron: "0 * * * *"}
  a-done: {success: a}
  a-failed: {failure: a}
  b-done: {success: b}
  join-done: {success: join}
  last-done: {success: last}
jobs:
  a: {trigger: [visit, urgent], expression: jobs/a.py}
  b: {trigger: visit, expression: jobs/trace.py}
  join: {trigger: [a-done, b-done, urgent, hourly, clock], expression: jobs/trace.py}
  both: {trigger: [a-done, a-failed], expression: jobs/trace.py}
  last: {trigger: join-done, expression: jobs/trace.py}
  end: {triggers: [last-done], expression: jobs/trace.py}
"""
# Each job adds itself to a list, so a final state shows which runs led to it.
TRACE = """
from pathlib import Path
from adaptors.common import fn

def trace(state):
    error = state.pop("error", {}).get("type")
    return {**state, "trace": [*state.get("trace", []), *([error] if error else []), "NAME"]}

fn(trace)
"""
A = TRACE.replace("NAME", "a").replace(
    "def trace(state):\n", "def trace(state):\n    state['data']['bad'] is False or 1 / 0\n"
)
MESSAGE = {"form": "visit", "urgent": True, "bad": False}


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=A, trace=TRACE)


def send(stack, **changes):
    """Post a message and process it; return its id."""
    message_id = post(stack, json.dumps(MESSAGE | changes))["headers"]["X-Message-Id"]
    stack.drain()
    return message_id


def runs_of(source_id):
    """Return the runs of a message or minute by the part of their ids behind it."""
    items = details.queries.runs_of(source_id)
    return {ids.path_of(item["sk"]): details.run(item["sk"]) for item in items}


def deploy(stack, folder, old, new):
    """Deploy an edited project.yaml."""
    text = (folder / "project.yaml").read_text("utf-8")
    assert old in text
    (folder / "project.yaml").write_text(text.replace(old, new), "utf-8")
    digests = {n: hashlib.sha256(i.encode()).hexdigest() for n, i in stack.inbox_ids.items()}
    compile_project(folder, Path(os.environ["PROJECT_DIR"]), digests)
    project.load.cache_clear()


def deliver_again(stack, run_id):
    event = sqs_event("run_id", run_id, MessageGroupId="g")
    assert stack.invoke("runner", event)["batchItemFailures"] == []
    stack.drain()


def test_message_that_matches_several_triggers_starts_one_run(stack, log_lines):
    message_id = send(stack)
    records = runs_of(message_id)
    assert {run.status for run in records.values()} == {"succeeded"}
    assert sorted(records) == [
        *("a", "b", "both@a", "end@last@join", "end@last@join@a", "end@last@join@b"),
        *("join", "join@a", "join@b", "last@join", "last@join@a", "last@join@b"),
    ]
    assert (records["a"].trigger, records["a"].kind) == ("visit", "message")
    assert (records["join"].trigger, records["join@b"].trigger) == ("urgent", "b-done")
    matched = [(e["trigger"], e["job"]) for e in log_lines.events(LogEvent.MESSAGE_MATCHED)]
    assert matched == [("visit", "a"), ("visit", "b"), ("urgent", "join")]


def test_each_run_has_the_initial_state_of_its_own_trigger(stack):
    records = runs_of(send(stack))
    assert records["join"].final["trace"] == ["NAME"]
    assert records["join@a"].final["trace"] == ["a", "NAME"]
    assert records["join@b"].final["trace"] == ["NAME", "NAME"]
    assert records["end@last@join@a"].final["trace"] == ["a", "NAME", "NAME", "NAME"]


def test_following_runs_are_those_of_the_run_and_not_of_its_job(stack):
    message_id = send(stack)
    records = runs_of(message_id)
    assert details.follow_ups(records["join@a"]) == [f"{message_id}#last@join@a"]
    assert details.follow_ups(records["join"]) == [f"{message_id}#last@join"]
    assert details.follow_ups(records["a"]) == [f"{message_id}#both@a", f"{message_id}#join@a"]
    for end in ("#join", "#join@a", "#last@join@a"):
        assert id_lookup.complete(f"…{message_id[-6:]}{end}") == f"{message_id}{end}"


def test_runs_are_created_once_if_all_ids_are_delivered_again(stack):
    message_id = send(stack)
    records = runs_of(message_id)
    for record in records.values():
        deliver_again(stack, record.id)
    assert {name: run.attempt for name, run in runs_of(message_id).items()} == dict.fromkeys(
        records, 1
    )


def test_run_of_a_minute_starts_once_and_carries_the_state_of_cron_runs_only(stack, log_lines):
    for minute in ("09:59", "10:00", "10:01"):
        tick(stack, f"2026-03-09T{minute}:00Z")
        stack.drain()
        if minute == "10:00":
            send(stack)
    minutes = [datetime.fromisoformat(f"2026-03-09T{time}:00Z") for time in ("10:00", "10:01")]
    first, second = (runs_of(ids.minute_id(minute)) for minute in minutes)
    assert sorted(first) == ["end@last@join", "join", "last@join"]
    assert len(log_lines.events(LogEvent.RUN_DUE)) == 3  # DynamoDB refuses two writes of one item
    # Neither the run of a message nor a run after another job leaves its state to the next minute.
    assert first["join"].final["trace"] == ["NAME"] * 2
    assert second["join"].final["trace"] == ["NAME"] * 3
    assert "request" not in second["join"].final


def test_job_that_follows_both_ends_starts_again_if_a_replay_ends_differently(stack):
    message_id = send(stack, bad=True)
    caught_runs = sorted(name for name in runs_of(message_id) if "@a" in name)
    assert caught_runs == ["both@a"]
    caught = runs_of(message_id)["both@a"]
    assert (caught.kind, caught.final["trace"]) == ("failure", ["ZeroDivisionError", "NAME"])
    project.current().jobs["a"].expression.write_text(A.replace("1 / 0", "0"), "utf-8")
    for _ in range(2):
        replay.replay(runs.load(f"{message_id}#a"))
        deliver_again(stack, f"{message_id}#a")
    again = runs_of(message_id)["both@a"]
    assert (again.kind, again.trigger, again.attempt) == ("success", "a-done", 2)
    assert again.final["trace"] == ["a", "NAME"]


@pytest.mark.parametrize("status", ["queued", "waiting"])
def test_run_that_waits_follows_the_end_of_the_replayed_run(stack, status):
    message_id = send(stack, bad=True)
    project.current().jobs["a"].expression.write_text(A.replace("1 / 0", "0"), "utf-8")
    both, changes = runs.load(f"{message_id}#both@a"), {"status": status, "due": 1}
    runs.table.update(ids.key_of(both.id), changes)
    replay.replay(runs.load(f"{message_id}#a"))
    deliver_again(stack, f"{message_id}#a")
    assert runs_of(message_id)["both@a"].final["trace"] == ["a", "NAME"]


def test_run_that_executes_lets_the_replayed_run_come_again(stack):
    message_id = send(stack, bad=True)
    project.current().jobs["a"].expression.write_text(A.replace("1 / 0", "0"), "utf-8")
    both = runs.load(f"{message_id}#both@a")
    runs.table.update(ids.key_of(both.id), {"status": RunStatus.RUNNING})
    replay.replay(runs.load(f"{message_id}#a"))
    event = sqs_event("run_id", f"{message_id}#a", MessageGroupId="g")
    assert stack.invoke("runner", event)["batchItemFailures"] != []
    runs.table.update(ids.key_of(both.id), {"status": both.status})
    deliver_again(stack, f"{message_id}#a")
    assert runs_of(message_id)["both@a"].final["trace"] == ["a", "NAME"]


def test_upstream_run_that_ended_before_an_upgrade_starts_nothing_twice(stack, tmp_path):
    deploy(stack, tmp_path, "[a-done, b-done, urgent, hourly, clock]", "b-done")
    deploy(stack, tmp_path, "both: {trigger: [a-done, a-failed]", "both: {trigger: urgent")
    message_id = send(stack)
    before = ["a", "b", "both", "end", "join", "last"]
    assert sorted(runs_of(message_id)) == before
    deploy(stack, tmp_path, "join: {trigger: b-done", "join: {trigger: [a-done, b-done]")
    deploy(stack, tmp_path, "both: {trigger: urgent", "both: {trigger: [urgent, b-done]")
    for job in ("b", "join", "last"):
        deliver_again(stack, f"{message_id}#{job}")
    # It has started `both` for the first time: the other run of this job is the message's own.
    assert sorted(runs_of(message_id)) == ["a", "b", "both", "both@b", "end", "join", "last"]
    replay.replay(runs.load(f"{message_id}#b"))
    deliver_again(stack, f"{message_id}#b")
    assert len(runs_of(message_id)) == 7
    # A new trigger of an earlier job counts, and its runs have ids of their own.
    deliver_again(stack, f"{message_id}#a")
    joined = ["end@last@join@a", "join@a", "last@join@a"]
    assert sorted(set(runs_of(message_id)) - set(before)) == ["both@b", *joined]


def test_run_that_was_created_before_the_triggers_were_reduced_follows_once(stack, tmp_path):
    message_id = send(stack)
    many = runs_of(message_id)
    deploy(stack, tmp_path, "[a-done, b-done, urgent, hourly, clock]", "a-done")
    for record in many.values():
        deliver_again(stack, record.id)
    assert sorted(runs_of(message_id)) == sorted(many)


def test_long_ids_are_digests_and_fit_the_queue(create_project_stack):
    names = [f"{letter * 60}-{letter}" for letter in "wxyz"]
    chain = "\n".join(
        f"  {name}: {{trigger: [after-{n}, never], expression: jobs/trace.py}}"
        for n, name in enumerate(names)
    )
    triggers = "\n".join(
        f"  after-{n}: {{success: {name}}}" for n, name in enumerate(["a", *names])
    )
    text = (
        f"triggers:\n  all: {{inclusion: {{}}}}\n  never: {{inclusion: {{no: 1}}}}\n{triggers}\n"
        f"jobs:\n  a: {{trigger: all, expression: jobs/trace.py}}\n{chain}\n"
        f"  z: {{trigger: after-4, expression: jobs/trace.py}}\n"
    )
    stack = create_project_stack(text, trace=TRACE)
    message_id = send(stack)
    records = runs_of(message_id)
    assert [run.final["trace"] for run in records.values() if run.job == names[-1]] == [
        ["NAME"] * 5
    ]
    assert {run.status for run in records.values()} == {"succeeded"}
    assert max(map(len, records)) <= 64 + 1 + 64
    groups = [dispatch.group_of(runs.load(run.id).plan) for run in records.values()]
    assert max(map(len, groups)) <= 128
    assert len(set(groups)) == len(groups)
    (follower,) = details.follow_ups(records[f"{names[0]}@a"])
    assert runs.load(follower).plan.upstream_id == f"{message_id}#{names[0]}@a"


def test_state_that_is_too_large_for_the_table_is_stored_once_for_each_run(stack):
    noise = hashlib.shake_256(b"noise").hexdigest(300_000)
    records = runs_of(send(stack, noise=noise))
    traces = {name: run.final["trace"] for name, run in records.items() if run.job == "join"}
    assert traces == {
        "join": ["NAME"],
        "join@a": ["a", "NAME"],
        "join@b": ["NAME", "NAME"],
    }
