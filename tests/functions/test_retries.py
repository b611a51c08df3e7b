"""A run with a retryable failure waits, resumes, and fails after its last attempt."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest

from openfn import ids
from openfn.errors import JobError
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.project import compiled as project
from openfn.runs import dispatch, outcomes, replay
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import secrets, table
from tests.conftest import post
from tests.support import stack_client
from tests.support.fake_destination import FakeDestination
from tests.support.sqs import sqs_event
from tests.support.transaction_conflict import refuse_once
from workbench.local import lambda_functions

PROJECT = """
triggers:
  all: {{inclusion: {{}}{order}}}
  failed: {{failure: job-a}}
  done: {{success: job-a}}
credentials:
  secret-a: {{adaptor: http}}
jobs:
  job-a: {{trigger: all, credential: secret-a, expression: jobs/a.py, retry: {retry}}}
  catch: {{trigger: failed, expression: jobs/look.py}}
  after: {{trigger: done, expression: jobs/look.py}}
"""
THREE = """
from adaptors.common import emit, fn, last_reference_value
from adaptors.http import post

post("first", {"n": lambda state: state["data"]["n"]})
emit("inbox-a", {"skip": True})
fn(lambda state: {**state, "seen": [state["data"]["path"]]})
post("second", {"first": lambda state: state["seen"]})
post("third", {"n": last_reference_value("n")})
"""
EACH = """
from adaptors.common import each, emit
from adaptors.http import post

emit("inbox-a", {"skip": True, "n": 0})
each(lambda state: [1, 2], emit("inbox-a", {"skip": True, "n": lambda state: state["data"]}),
     post("second", {"n": lambda state: state["data"]}))
"""
HOUSEHOLDS = """
from adaptors.common import each, emit
from adaptors.http import post

def households(state):
    return [{"n": n, "members": [n * 10 + m for m in (1, 2, 3)]} for n in (1, 2, 3)]

each(households,
     emit("inbox-a", {"skip": True, "n": lambda state: state["data"]["n"]}),
     each("members", post(lambda state: f"member/{state['data']}", {})),
     post(lambda state: f"household/{state['data']['n']}", {}), on_error="continue")
"""
SLOW = """
import time
from adaptors.common import fn

fn(lambda state: {**state, "ones": state.get("ones", 0) + 1})

def wait(state):
    for _ in range(3000):
        time.sleep(0.01)
    return state

fn(wait)
"""
LOOK = "from adaptors.common import fn\nfn(lambda state: {**state, 'looked': True})\n"


@pytest.fixture
def remote():
    with FakeDestination().running() as running:
        yield running


@pytest.fixture
def posted(create_project_stack, remote):
    """Post a message to a job with this code and retry; return the stack and the run's id."""

    def run(code=THREE, retry="{attempts: 4, up_to: 2h}", order="", conflict=None):
        trigger = f", exclusion: {{skip: true}}{order}"
        stack = create_project_stack(PROJECT.format(retry=retry, order=trigger), a=code, look=LOOK)
        stack.set_credential("secret-a", {"baseUrl": remote.url})
        with refuse_once(conflict) if conflict else nullcontext():
            message_id = post(stack, '{"n": 7, "case": "c"}')["headers"]["X-Message-Id"]
            stack.drain()
        return stack, ids.run_id(message_id, "job-a")

    return run


def pass_time(run_id):
    """Let a run's next attempt be due now."""
    changes = {"due": 1, "attention_at": table.timestamp(1)}
    table.update(ids.key_of(run_id), changes, "#status = :waiting", waiting="waiting")


def again(stack, run_id):
    """Let a run's next attempt be due, execute it, and return the run."""
    pass_time(run_id)
    stack.tick()
    stack.drain()
    return details.run(run_id)


def attempts(stack, run_id):
    """Return status and error of a run's earlier attempts."""
    key = ids.key_of(run_id)
    response = stack_client.client("dynamodb").query(
        TableName=stack.resources.physical_ids["Table"],
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": key["pk"]}, ":sk": {"S": f"{run_id}#"}},
    )
    return [
        (
            item["status"]["S"],
            json.loads(item["error"]["S"])["message"] if "error" in item else None,
        )
        for item in response["Items"]
    ]


def test_retry_resumes_at_the_failed_operation_with_its_state(posted, remote, log_lines):
    remote.statuses["/second"] = [503, 503]
    stack, run_id = posted()
    assert details.run(run_id).status == "waiting"
    assert again(stack, run_id).status == "waiting"
    record = again(stack, run_id)
    assert (record.status, record.attempt, record.error) == ("succeeded", 3, None)
    assert remote.paths == ["/first", "/second", "/second", "/second", "/third"]
    assert remote.received[-2:] == [("/second", {"first": ["/first"]}), ("/third", {"n": 7})]
    assert [event["attempt"] for event in log_lines.events(LogEvent.RUN_WAITING)] == [1, 2]


def test_messages_emitted_before_a_failure_are_published_after_success(posted, remote):
    remote.statuses["/second"] = [503]
    stack, run_id = posted()
    assert len(details.newest_messages(10, days=2)) == 1
    again(stack, run_id)
    assert [json.loads(row.message.body) for row in details.newest_messages(10, days=2)][:-1] == [
        {"skip": True}
    ]


def test_messages_of_the_failed_operation_are_published_once(posted, remote):
    remote.statuses["/second"] = [200, 503, 503]
    stack, run_id = posted(EACH)
    assert again(stack, run_id).status == "waiting"
    assert again(stack, run_id).status == "succeeded"
    assert remote.received == [("/second", {"n": n}) for n in (1, 2, 2, 2)]
    emitted = [json.loads(row.message.body) for row in details.newest_messages(10, days=2)][:-1]
    assert sorted(record["n"] for record in emitted) == [0, 1, 2]


def test_replay_of_a_list_continues_each_failed_item_where_it_failed(posted, remote):
    remote.statuses |= {"/member/12": [400], "/household/3": [422]}
    stack, run_id = posted(HOUSEHOLDS)
    failed = details.run(run_id)
    assert (failed.status, failed.error["message"][:30]) == (
        "failed",
        "2 items failed: 1, 3. All othe",
    )
    count = len(remote.paths)
    replay.replay(runs.load(run_id))
    dispatch.queue([runs.load(run_id).plan])
    stack.drain()
    assert details.run(run_id).status == "succeeded"
    new = ["/member/12", "/member/13", "/household/1", "/household/3"]
    assert remote.paths[count:] == new
    emitted = [json.loads(row.message.body) for row in details.newest_messages(10, days=2)][:-1]
    assert sorted(record["n"] for record in emitted) == [1, 2, 3]


def test_contents_of_an_attempt_replace_those_of_earlier_attempts(posted):
    stack, _ = posted()
    run_id = created(stack)
    failure = JobError("E", "m", "o", 1, "remote-for-now")
    long = outcomes.Outcome("x" * 5000, 1, error=failure, emitted=b"[" + b"1," * 5000 + b"1]")
    outcomes.schedule_retry(runs.claim(run_id, 60), long, 1)
    ended = outcomes.finish(
        runs.claim(run_id, 60), outcomes.Outcome("y", 1, final=b"{}", emitted=b"[]")
    )
    for run in (ended, runs.load(run_id)):
        assert run.read("emitted") == b"[]"
        assert run.read("log") == b"y"
        assert run.error is None


def test_every_attempt_has_a_record_with_error_and_next_attempt(posted, remote):
    remote.statuses["/second"] = [503, 429]
    stack, run_id = posted()
    again(stack, run_id)
    (one, first), (two, second) = attempts(stack, run_id)
    assert (one, two) == ("failed", "failed")
    assert "503" in first
    assert "429" in second
    assert details.run(run_id).next > "20"
    again(stack, run_id)
    assert len(attempts(stack, run_id)) == 2
    assert details.run(run_id).next is None


def test_conflict_while_a_failed_attempt_is_recorded_loses_nothing(posted, remote):
    remote.statuses["/second"] = [503]
    stack, run_id = posted(conflict="TransactWriteItems")
    assert details.run(run_id).status == "waiting"
    assert len(attempts(stack, run_id)) == 1
    assert remote.paths.count("/second") == 1


def test_conflict_while_an_outcome_is_recorded_executes_no_run_again(posted, remote):
    _, run_id = posted(conflict="UpdateItem")
    assert details.run(run_id).status == "succeeded"
    assert remote.paths.count("/first") == 1


def test_run_fails_after_its_last_attempt_and_starts_failure_triggers(posted, remote):
    remote.statuses["/second"] = [503] * 9
    stack, run_id = posted(retry="{attempts: 3, up_to: 1h}")
    assert details.run(run_id.replace("job-a", "catch")) is None
    again(stack, run_id)
    record = again(stack, run_id)
    assert (record.status, record.attempt) == ("failed", 3)
    assert remote.paths == ["/first", "/second", "/second", "/second"]
    caught = details.run(run_id.replace("job-a", "catch"))
    assert caught.final["data"] == {"n": 7, "case": "c"}
    assert caught.final["error"]["verdict"] == "remote-for-now"
    assert details.run(run_id.replace("job-a", "after")) is None


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_permanent_refusals_are_not_retried(posted, remote, status):
    remote.statuses["/first"] = [status]
    _, run_id = posted()
    assert details.run(run_id).status == "failed"
    assert remote.paths == ["/first"]


def test_job_with_one_attempt_is_not_retried(posted, remote):
    remote.statuses["/first"] = [503]
    _, run_id = posted(retry="{attempts: 1}")
    assert details.run(run_id).status == "failed"


def test_job_with_fresh_retries_restarts_and_emits_once(posted, remote):
    remote.statuses["/second"] = [503]
    stack, run_id = posted(retry="{fresh: true}")
    assert again(stack, run_id).status == "succeeded"
    assert remote.paths == ["/first", "/second", "/first", "/second", "/third"]
    assert len(details.newest_messages(10, days=2)) == 2


@pytest.mark.parametrize(
    "value", ["__import__('datetime').date(2026, 3, 9)", "{1: 2}", "{1, 2}", "float('nan')"]
)
def test_job_restarts_if_json_cannot_represent_its_state(posted, remote, value):
    remote.statuses["/second"] = [503]
    code = THREE.replace('"seen":', f'"odd": {value}, "seen":')
    stack, run_id = posted(code)
    assert again(stack, run_id).status == "succeeded"
    assert remote.paths == ["/first", "/second", "/first", "/second", "/third"]


def test_retry_resumes_with_a_large_state(posted, remote):
    remote.statuses["/second"] = [503]
    noise = '__import__("random").Random(1).randbytes(300_000).hex()'
    code = THREE.replace('"seen":', f'"noise": {noise}, "seen":')
    stack, run_id = posted(code)
    record = again(stack, run_id)
    assert (record.status, len(record.final["noise"])) == ("succeeded", 600_000)
    assert remote.paths == ["/first", "/second", "/second", "/third"]


def test_retry_waits_at_least_the_retry_after_header(posted, remote):
    remote.statuses["/first"] = [503]
    remote.headers["Retry-After"] = "1800"
    _, run_id = posted()
    run = runs.load(run_id)
    assert run.due - run.began >= 1800


def test_waiting_run_is_not_executed_before_it_is_due(posted, remote):
    remote.statuses["/first"] = [503]
    remote.headers["Retry-After"] = "1800"
    stack, run_id = posted()
    record = {"messageId": "1", "body": json.dumps({"run_id": run_id}), "eventSource": "aws:sqs"}
    assert stack.invoke("runner", {"Records": [record]})["batchItemFailures"] == []
    stack.tick()
    stack.drain()
    assert details.run(run_id).attempt == 1


def test_ordered_run_waits_on_the_queue_and_blocks_later_runs(posted, remote):
    remote.statuses["/first"] = [503]
    stack, run_id = posted(order=", order_by: case")
    behind = post(stack, '{"n": 8, "case": "c"}')["headers"]["X-Message-Id"]
    beside = post(stack, '{"n": 9, "case": "d"}')["headers"]["X-Message-Id"]
    stack.drain()
    assert details.run(run_id).status == "waiting"
    assert details.run(ids.run_id(behind, "job-a")).status == "queued"
    assert details.run(ids.run_id(beside, "job-a")).status == "succeeded"
    pass_time(run_id)
    _show_what_is_hidden(stack)
    stack.drain()
    assert [body["n"] for path, body in remote.received if path == "/first"] == [7, 9, 7, 8]


def _show_what_is_hidden(stack):
    """Make hidden ids of the run queue visible again."""
    url = stack.resources.functions["runner"].environment["RUN_QUEUE_URL"]
    stack_client.show_hidden(url)


def expression():
    """Return the deployed file of job-a."""
    return project.current().jobs["job-a"].expression


def created(stack):
    """Return the id of a run of job-a that is created but not executed."""
    plan = Plan(post(stack, '{"n": 1}')["headers"]["X-Message-Id"], "job-a", "all")
    runs.create([plan], "version")
    return plan.id


def test_job_that_exceeds_the_time_limit_is_stopped_and_retried(posted, log_lines):
    stack, _ = posted("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = created(stack)
    expression().write_text(SLOW, "utf-8")
    hurried = replace(stack.resources.functions["runner"], timeout_seconds=6.2)
    lambda_functions.invoke(hurried, sqs_event("run_id", run_id), stack.on_log_line)
    record = details.run(run_id)
    assert (record.status, record.error["type"]) == ("waiting", "TimedOut")
    assert (record.error["operation"], record.error["line"]) == ("fn", 9)
    expression().write_text(SLOW.replace("range(3000)", "range(1)"), "utf-8")
    record = again(stack, run_id)
    assert (record.status, record.final["ones"], record.attempt) == ("succeeded", 1, 2)
    (metrics,) = [json.loads(line) for _, line in log_lines if "RunsTimedOut" in line]
    assert metrics["RunsTimedOut"] == [1.0]


def test_run_whose_runner_died_is_retried_and_the_crash_recorded(posted):
    stack, _ = posted()
    run_id = created(stack)
    died = runs.claim(run_id, -5)
    stack.invoke("runner", sqs_event("run_id", run_id))
    record = details.run(run_id)
    assert (record.status, record.attempt) == ("succeeded", 2)
    (item,) = table.get([ids.key_of(f"{run_id}#0001")])
    assert item["started"] == died.started
    assert attempts(stack, run_id) == [("crashed", None)]


def test_run_that_kills_its_runner_three_times_fails(posted):
    stack, _ = posted()
    run_id = created(stack)
    for _ in range(3):
        run = runs.claim(run_id, -5)
        if run.crashed:
            outcomes.record_crash(run)
    stack.invoke("runner", sqs_event("run_id", run_id))
    record = details.run(run_id)
    assert record.status == "failed"
    assert "The runner died 3 times" in record.error["message"]
    assert attempts(stack, run_id) == [("crashed", None)] * 3


def test_job_fixed_during_the_wait_resumes_with_the_new_code(posted, remote):
    remote.statuses["/second"] = [503]
    stack, run_id = posted()

    path = expression()
    path.write_text(path.read_text("utf-8").replace('"third"', '"fourth"'), "utf-8")
    assert again(stack, run_id).status == "succeeded"
    assert remote.paths == ["/first", "/second", "/second", "/fourth"]


@pytest.mark.parametrize("change", ["code", "credential"])
def test_attempt_that_could_not_start_keeps_where_to_resume(posted, remote, change):
    remote.statuses["/second"] = [503]
    stack, run_id = posted()
    client = stack_client.client("secretsmanager")
    secret = stack.resources.functions["runner"].environment["CREDENTIALS_PREFIX"] + "secret-a"
    path, code = expression(), expression().read_text("utf-8")

    if change == "code":
        path.write_text(f"{code}\nnot Python", "utf-8")
    else:
        client.put_secret_value(SecretId=secret, SecretString="[]")
        secrets.clear_cache()
    record = again(stack, run_id)
    assert (record.status, record.error["operation"]) == ("failed", "loading")

    path.write_text(code, "utf-8")
    client.put_secret_value(SecretId=secret, SecretString=json.dumps({"baseUrl": remote.url}))
    secrets.clear_cache()
    replay.replay(runs.load(run_id))
    dispatch.queue([runs.load(run_id).plan])
    stack.drain()
    assert details.run(run_id).status == "succeeded"
    assert remote.paths == ["/first", "/second", "/second", "/third"]
    emitted = [row.message.body for row in details.newest_messages(10, days=2)]
    assert emitted.count(b'{"skip": true}') == 1


def test_job_with_changed_earlier_operations_restarts(posted, remote):
    remote.statuses["/second"] = [503]
    stack, run_id = posted()

    path = expression()
    code = path.read_text("utf-8").replace('post("first"', 'fn(lambda state: state)\npost("first"')
    path.write_text(code, "utf-8")
    assert again(stack, run_id).status == "succeeded"
    assert remote.paths == ["/first", "/second", "/first", "/second", "/third"]
