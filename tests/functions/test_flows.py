"""Flow triggers start a job after another one has succeeded or failed, and pass its state."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.project.triggers import Kind
from openfn.runs import outcomes
from openfn.runs import store as runs
from openfn.runs.model import Plan
from tests.conftest import post, tick
from tests.support.sqs import sqs_event
from tests.support.stack_client import without_queue

PROJECT = """
triggers:
  all: {inclusion: {}}
  a-done: {success: job-a}
  a-failed: {failure: job-a}
  b-done: {success: job-b}
  b-failed: {failure: job-b}
  caught: {success: catch-a}
credentials:
  secret-a: {adaptor: http}
  secret-b: {adaptor: http}
jobs:
  job-a: {trigger: all, credential: secret-a, expression: jobs/a.py}
  job-b: {trigger: a-done, credential: secret-b, expression: jobs/b.py}
  catch-a: {trigger: a-failed, expression: jobs/look.py}
  job-c: {trigger: b-done, expression: jobs/look.py}
  also-c: {trigger: b-done, expression: jobs/look.py}
  catch-b: {trigger: b-failed, expression: jobs/look.py}
  after-catch: {trigger: caught, expression: jobs/look.py}
"""
A = """
from adaptors.common import fn

def a(state):
    state["user"] = state["configuration"]["username"]
    state["before"] = state["data"].pop("n")
    state["references"].append("of a")
    if state["before"] == "fail-a":
        raise ValueError("a says no")
    return {**state, "data": {"from": "a"}, "fail_b": state["before"] == "fail-b"}

fn(a)
"""
B = """
from adaptors.common import fn

def b(state):
    state["b_user"] = state["configuration"]["username"]
    state["b_began_with"] = [state["user"], state["data"], state["references"]]
    if state["fail_b"]:
        raise LookupError("b says no")
    return {**state, "data": {"from": "b"}}

fn(b)
"""
LOOK = """
from adaptors.common import fn
fn(lambda state: {**state, "seen": sorted(state), "configured": state["configuration"]})
"""


@pytest.fixture
def ran(create_project_stack):
    """Post a body to a chain of jobs and return the records of its runs by job."""
    stack = create_project_stack(PROJECT, a=A, b=B, look=LOOK)
    stack.set_credential("secret-a", {"username": "amina"})
    stack.set_credential("secret-b", {"username": "kofi"})

    def run(n):
        message_id = post(stack, json.dumps({"n": n, "kept": True}))["headers"]["X-Message-Id"]
        stack.drain()
        jobs = ("job-a", "job-b", "job-c", "also-c", "catch-a", "catch-b", "after-catch")
        records = {job: details.run(ids.run_id(message_id, job)) for job in jobs}
        return {job: record for job, record in records.items() if record}

    run.made = stack
    return run


def test_success_passes_the_final_state_down_a_chain(ran):
    records = ran("fine")
    assert {job: run.status for job, run in records.items()} == dict.fromkeys(
        ("job-a", "job-b", "job-c", "also-c"), "succeeded"
    )
    assert (records["job-b"].kind, records["job-b"].trigger) == ("success", "a-done")
    b = records["job-b"].final
    assert b["b_began_with"] == ["amina", {"from": "a"}, []]
    assert b["request"]["method"] == "POST"
    for job in ("job-c", "also-c"):
        final = records[job].final
        assert final["data"] == {"from": "b"}
        assert (final["user"], final["b_user"], final["configured"]) == ("amina", "kofi", {})


def test_following_jobs_have_their_own_credential(ran):
    assert ran("fine")["job-b"].final["b_user"] == "kofi"
    assert "configuration" not in ran("fine")["job-b"].final


def test_failure_passes_the_initial_state_and_the_error(ran):
    records = ran("fail-a")
    assert sorted(records) == ["after-catch", "catch-a", "job-a"]
    assert records["catch-a"].kind == "failure"
    final = records["catch-a"].final
    assert final["data"] == {"n": "fail-a", "kept": True}
    assert final["seen"] == ["configuration", "data", "error", "references", "request"]
    error = {key: final["error"][key] for key in ("type", "message", "operation", "line")}
    assert error == {
        "type": "ValueError",
        "message": "a says no",
        "operation": "fn",
        "line": 9,
    }
    assert records["after-catch"].final["error"] == final["error"]


def test_failure_in_a_chain_passes_the_initial_state_of_the_failed_job(ran):
    records = ran("fail-b")
    assert sorted(records) == ["catch-b", "job-a", "job-b"]
    final = records["catch-b"].final
    assert (final["data"], final["user"]) == ({"from": "a"}, "amina")
    assert "b_user" not in final
    assert final["error"]["type"] == "LookupError"


def test_failure_of_a_cron_run_passes_its_initial_state(create_project_stack):
    stack = create_project_stack(
        """
        triggers:
          clock: {cron: "* * * * *"}
          failed: {failure: job-a}
        jobs:
          job-a: {trigger: clock, expression: jobs/a.py}
          job-b: {trigger: failed, expression: jobs/look.py}
        """,
        a="""
        from adaptors.common import fn

        def count(state):
            state["count"] = state.get("count", 0) + 1
            if state["count"] == 2 and state["scheduled"].endswith("01:00Z"):
                raise ValueError
            return state

        fn(count)
        """,
        look=LOOK,
    )
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    for minute in (
        "10:01",
        "10:02",
    ):  # the later one succeeds before the follower of the failed one
        tick(stack, f"2026-03-09T{minute}:00Z")
    stack.drain()
    origin = ids.minute_id(datetime.fromisoformat("2026-03-09T10:01:00+00:00"))
    final = details.run(ids.run_id(origin, "job-b")).final
    assert (final["count"], final["scheduled"]) == (1, "2026-03-09T10:01:00Z")
    assert final["error"]["type"] == "ValueError"


def deliver_again(stack, run_id, group="g"):
    return stack.invoke("runner", sqs_event("run_id", run_id, MessageGroupId=group))


def test_following_runs_are_queued_when_an_ended_run_is_delivered_again(ran):
    stack = ran.made
    message_id = post(stack, '{"n": "fine"}')["headers"]["X-Message-Id"]
    plan = Plan(message_id, "job-a", "all")
    runs.create([plan], "version")
    final = b'{"user": "amina", "data": {"from": "a"}, "fail_b": false}'
    # The runner died after it recorded the outcome.
    outcomes.finish(runs.claim(plan.id, 60), outcomes.Outcome("", 1, final=final))
    assert details.run(ids.run_id(message_id, "job-b")) is None
    assert deliver_again(stack, plan.id)["batchItemFailures"] == []
    stack.drain()
    assert details.run(ids.run_id(message_id, "job-c")).status == "succeeded"


def test_following_runs_that_were_refused_are_queued_by_the_next_tick(ran, log_lines):
    stack = ran.made
    message_id = post(stack, '{"n": "fine"}')["headers"]["X-Message-Id"]
    plan = Plan(message_id, "job-a", "all")
    runs.create([plan], "version")
    with without_queue(stack, "RUN_QUEUE_URL"):
        assert deliver_again(stack, plan.id)["batchItemFailures"] == []
    assert details.run(plan.id).status == "succeeded"
    stack.drain()
    stack.tick()
    stack.drain()
    assert len([e for e in log_lines.events(LogEvent.RUN_SUCCEEDED) if e["job"] == "job-a"]) == 1
    assert details.run(ids.run_id(message_id, "also-c")).status == "succeeded"


def test_runs_of_a_chain_execute_once_if_all_ids_are_delivered_again(ran, log_lines):
    records = ran("fine")
    for _ in range(2):
        for record in records.values():
            assert deliver_again(ran.made, record.id)["batchItemFailures"] == []
    ran.made.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 4


def test_run_after_an_expired_run_fails_with_the_reason(ran):
    stack = ran.made
    message_id = post(stack, '{"n": "fine"}')["headers"]["X-Message-Id"]
    plan = Plan(message_id, "job-b", "a-done", Kind.SUCCESS, upstream="job-a")
    runs.create([plan], "version")
    assert deliver_again(stack, plan.id)["batchItemFailures"] == []
    assert "No run with id" in details.run(plan.id).error["message"]
