"""`ofn replay`: finished runs and messages run again, once, in the order received."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from openfn import ids
from openfn.history import details
from openfn.history import replay as history_replay
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.runs import store as runs
from openfn.storage import boto3_services, table
from tests.conftest import post
from tests.support.stack_client import without_queue
from workbench.project.compiler import compile_project

PROJECT = """
triggers:
  form: {inclusion: {form: visit}}
  done: {success: job-a}
  failed: {failure: job-a}
jobs:
  job-a: {trigger: form, expression: jobs/a.py}
  after: {trigger: done, expression: jobs/b.py}
  catch: {trigger: failed, expression: jobs/b.py}
"""
FAILING = """
from adaptors.common import emit, fn

def first(state):
    print("first", state["data"]["n"])
    return state

def second(state):
    print("second")
    return {**state, "got": state["data"]["missing"]}

fn(first)
fn(second)
"""
FIXED = FAILING.replace("missing", "n")
MARK = "from adaptors.common import fn\nfn(lambda state: {**state, 'looked': True})\n"
VISIT = '{"form": "visit", "n": %d}'


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=FAILING, b=MARK)


@pytest.fixture
def replay(ofn, tmp_path):
    """Run `ofn replay --json` and return its report."""

    def run(*arguments, status=0):
        ended = ofn("replay", *arguments, "--project", tmp_path, "--json")
        assert (ended.err, ended.status) == ("", status)
        return json.loads(ended.out)

    return run


def post_visits(stack, *numbers):
    """Post a visit for each number, process them and return the run ids of job-a."""
    run_ids = [post_visit(stack, VISIT % number) for number in numbers]
    stack.drain()
    return run_ids


def post_visit(stack, body):
    return ids.run_id(post(stack, body)["headers"]["X-Message-Id"], "job-a")


def fix_job(code=FIXED):
    """Deploy another version of job-a."""
    project.current().jobs["job-a"].expression.write_text(code, "utf-8")


def deploy(stack, folder, text):
    """Deploy an edited project.yaml."""
    (folder / "project.yaml").write_text(text, "utf-8")
    digests = {n: hashlib.sha256(i.encode()).hexdigest() for n, i in stack.inbox_ids.items()}
    compile_project(folder, Path(os.environ["PROJECT_DIR"]), digests)
    project.load.cache_clear()


def type_answer(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def end_of(run_id):
    record = details.run(run_id)
    return record.status, record.attempt, record.log


def test_failed_run_resumes_with_the_fixed_job(stack, replay):
    (run_id,) = post_visits(stack, 7)
    fix_job()
    report = replay(run_id)
    assert (report["selected"], report["queued"], report["left"]) == (1, 1, {})
    stack.drain()
    assert end_of(run_id) == ("succeeded", 2, "second\n")
    assert details.run(run_id).final["got"] == 7
    assert details.run(run_id).error is None


def test_fresh_replay_restarts_from_the_first_operation(stack, replay):
    (run_id,) = post_visits(stack, 7)
    fix_job()
    replay(run_id, "--fresh")
    stack.drain()
    assert end_of(run_id) == ("succeeded", 2, "first 7\nsecond\n")


def test_every_earlier_attempt_has_a_record(stack, replay):
    (run_id,) = post_visits(stack, 7)
    replay(run_id)
    stack.drain()
    assert end_of(run_id)[:2] == ("failed", 2)
    fix_job()
    replay(run_id)
    stack.drain()
    attempts = details.attempts(run_id)
    assert [(attempt.attempt, attempt.status) for attempt in attempts] == [
        (1, "failed"),
        (2, "failed"),
    ]
    assert {attempt.error["type"] for attempt in attempts} == {"KeyError"}
    assert attempts[0].started < attempts[0].finished < attempts[1].started < attempts[1].finished
    assert end_of(run_id) == ("succeeded", 3, "second\n")


def test_succeeded_run_restarts_and_its_first_attempt_stays_on_record(stack, replay):
    fix_job()
    (run_id,) = post_visits(stack, 7)
    fix_job(FIXED.replace('"got"', '"new"'))
    replay(run_id)
    stack.drain()
    assert end_of(run_id) == ("succeeded", 2, "first 7\nsecond\n")
    final = details.run(run_id).final
    assert ("got" in final, final["new"]) == (False, 7)
    assert [(attempt.attempt, attempt.status) for attempt in details.attempts(run_id)] == [
        (1, "succeeded")
    ]


def test_replayed_run_gets_all_its_attempts_again(stack, replay, tmp_path):
    (run_id,) = post_visits(stack, 7)
    fix_job('from adaptors.common import fn\nfn(lambda s: s)\nfn(lambda s: {}["x"])\n')
    for attempt in (2, 3):
        replay(run_id)
        stack.drain()
        assert runs.load(run_id).tries == 1
        assert end_of(run_id)[1] == attempt


def test_follow_up_runs_are_created_once_and_replayed_by_their_own_id(stack, replay):
    (run_id,) = post_visits(stack, 7)
    caught, after = (run_id.replace("job-a", job) for job in ("catch", "after"))
    assert details.run(caught).attempt == 1
    assert details.run(after) is None
    fix_job()
    replay(run_id)
    stack.drain()
    assert (details.run(caught).attempt, details.run(after).attempt) == (1, 1)
    replay(run_id)
    stack.drain()
    assert details.run(after).attempt == 1
    replay(after)
    stack.drain()
    assert (details.run(after).attempt, details.run(after).status) == (2, "succeeded")


def test_follow_up_of_a_failure_that_was_fixed_fails(stack, replay):
    (run_id,) = post_visits(stack, 7)
    fix_job()
    replay(run_id)
    stack.drain()
    caught = run_id.replace("job-a", "catch")
    replay(caught)
    stack.drain()
    assert details.run(caught).status == "failed"
    assert "was replayed since and ended differently" in details.run(caught).error["message"]


def test_follow_up_can_start_while_its_upstream_run_is_replayed(stack, replay):
    (run_id,) = post_visits(stack, 7)
    replay(run_id)
    runs.claim(run_id, 60)
    caught = run_id.replace("job-a", "catch")
    replay(caught)
    stack.drain()
    assert (details.run(caught).status, details.run(caught).attempt) == ("succeeded", 2)


def test_message_is_replayed_with_the_jobs_that_it_matches_now(stack, replay, tmp_path):
    (run_id,) = post_visits(stack, 7)
    message_id = ids.source_id_of(run_id)
    new = PROJECT + "  job-b: {trigger: form, expression: jobs/b.py}\n"
    deploy(stack, tmp_path, f'name: test\ninboxes: {{inbox-a: {{id_sha256: "{"0" * 64}"}}}}\n{new}')
    fix_job()
    report = replay(message_id)
    assert [run["id"] for run in report["runs"]] == [run_id]
    assert (report["messages"], report["queued"]) == ([message_id], 2)
    stack.drain()
    assert end_of(run_id) == ("succeeded", 2, "second\n")
    new_run = details.run(ids.run_id(message_id, "job-b"))
    assert (new_run.status, new_run.attempt) == ("succeeded", 1)
    # A follow-up run is not a run of the message itself.
    assert details.run(ids.run_id(message_id, "catch")).attempt == 1


def test_message_and_its_run_together_replay_the_run_once(stack, replay):
    (run_id,) = post_visits(stack, 7)
    report = replay(run_id, ids.source_id_of(run_id), run_id)
    assert (report["selected"], report["queued"], len(report["runs"])) == (2, 2, 1)


def test_unknown_ids_are_named_and_nothing_is_replayed(stack, ofn, tmp_path):
    (run_id,) = post_visits(stack, 7)
    gone = ids.new_message_id()
    attempt = f"{run_id}#0001"
    ended = ofn("replay", run_id, gone, f"{gone}#job-a", "x", attempt, "--project", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    for unknown in (gone, f"{gone}#job-a", " x,", attempt):
        assert unknown in ended.words
    assert runs.load(run_id).status == "failed"


@contextmanager
def limit_page_size(number):
    """Limit the pages of DynamoDB queries to a number of items."""

    def limit(params, **_):
        params["Limit"] = number

    events = boto3_services.client("dynamodb").meta.events
    events.register("before-parameter-build.dynamodb.Query", limit)
    yield
    events.unregister("before-parameter-build.dynamodb.Query", limit)


@pytest.mark.moto
def test_all_failed_runs_are_replayed_in_the_order_received(
    stack, ofn, replay, tmp_path, log_lines
):
    failed = post_visits(stack, *range(24))
    # The first message fails last.
    replay(failed[0])
    stack.drain()
    fix_job()
    del log_lines[:]
    busy = failed[15]
    with limit_page_size(10), claim_before_replay(busy):
        ended = ofn("replay", "--job", "job-a", "--yes", "--project", tmp_path)
    assert ended.status == 1
    first, second, last = ended.out.splitlines()
    assert first == "job-a: 24 runs"
    assert second == f"{busy} not queued: Its status is now running."
    assert last == "23 of 24 queued"
    stack.drain()
    executed = [
        event["run_id"]
        for event in log_lines.events(LogEvent.RUN_SUCCEEDED)
        if event["job"] == "job-a"
    ]
    assert executed == [run_id for run_id in failed if run_id != busy]


@contextmanager
def claim_before_replay(run_id):
    """Have a runner claim a run between its selection and its replay."""

    def claimed(**_):
        events.unregister("before-call.dynamodb.BatchGetItem", claimed)
        if table.get([ids.key_of(run_id)])[0]["status"] == "failed":
            changes = {"status": "running", "lease": 2**40}
            table.update(ids.key_of(run_id), changes, "attribute_exists(pk)")

    events = boto3_services.client("dynamodb").meta.events
    events.register("before-call.dynamodb.BatchGetItem", claimed)
    yield


def test_ordered_runs_are_replayed_in_their_order(
    create_project_stack, replay, tmp_path, log_lines
):
    ordered = PROJECT.replace("{form: visit}}", "{form: visit}, order_by: form}")
    stack = create_project_stack(ordered, a=FAILING, b=MARK)
    failed = post_visits(stack, *range(12))
    fix_job()
    del log_lines[:]
    assert replay("--job", "job-a", "--yes")["queued"] == 12
    stack.drain()
    executed = [
        event["run_id"]
        for event in log_lines.events(LogEvent.RUN_SUCCEEDED)
        if event["job"] == "job-a"
    ]
    assert executed == failed


def test_dry_run_lists_and_changes_nothing(stack, ofn, tmp_path):
    failed = post_visits(stack, 1, 2)
    before = [runs.load(run_id) for run_id in failed]
    ended = ofn("replay", "--since", "2h", "--dry-run", "--project", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [*(f"{run_id} failed" for run_id in failed), "job-a: 2 runs"]
    ended = ofn("replay", *failed, "--dry-run", "--project", tmp_path)
    assert ended.status == 0
    assert [runs.load(run_id) for run_id in failed] == before


def test_replay_asks_and_does_nothing_unless_the_answer_is_yes(stack, ofn, tmp_path, monkeypatch):
    (run_id,) = post_visits(stack, 1)
    for text in ("n\n", "\n", ""):
        type_answer(monkeypatch, text)
        ended = ofn("replay", "--job", "job-a", "--project", tmp_path)
        assert ended.status == 1
        assert "Replay 1 run? [y/N]:" in ended.err
        assert runs.load(run_id).status == "failed"
    type_answer(monkeypatch, "y\n")
    ended = ofn("replay", "--job", "job-a", "--project", tmp_path)
    assert ended.out.endswith("1 of 1 queued\n")
    assert runs.load(run_id).status == "queued"


def test_runs_are_selected_by_time_of_failure_job_and_status(stack, replay):
    old, new = post_visits(stack, 1, 2)
    at = table.timestamp((datetime.now(UTC) - timedelta(hours=3)).timestamp())
    table.update(ids.key_of(old), {"attention_at": at}, "attribute_exists(pk)")

    def selected(*arguments):
        return [run["id"] for run in replay(*arguments, "--dry-run")["runs"]]

    assert selected("--since", "2h") == [new]
    assert selected("--since", "1d") == [old, new]
    assert selected("--job", "job-a", "--state", "failed") == [old, new]
    assert selected("--job", "catch") == []
    assert selected("--job", "catch", "--state", "succeeded") == [
        run_id.replace("job-a", "catch") for run_id in (old, new)
    ]


def test_succeeded_runs_are_selected_by_time_of_receipt(stack, replay):
    fix_job()
    run_ids = []
    for days in (30, 2, 1):
        when = datetime.now(UTC) - timedelta(days=days, minutes=1)
        message = Message(
            ids.minute_id(when)[:-1] + str(days % 10), "inbox-a", b'{"form":"visit","n":1}'
        )
        messages.queue(messages.store(message), message.inbox)
        run_ids.append(ids.run_id(message.id, "job-a"))
    run_ids += post_visits(stack, 5)
    stack.drain()
    arguments = ("--job", "job-a", "--state", "succeeded", "--dry-run")
    for since, count in (("1h", 1), ("24h", 1), ("25h", 2), ("3d", 3), ("365d", 4)):
        rows = replay(*arguments, "--since", since)["runs"]
        assert [run["id"] for run in rows] == run_ids[-count:], since
    assert replay(*arguments)["selected"] == 4


def test_unqueued_runs_are_named_and_queued_by_the_next_tick(stack, ofn, tmp_path):
    failed = post_visits(stack, 1, 2)
    fix_job()
    with without_queue(stack, "RUN_QUEUE_URL"):
        ended = ofn("replay", *failed, "--project", tmp_path)
    assert ended.status == 1
    assert f"{failed[0]} not queued: The run queue did not accept it" in ended.out
    assert ended.out.endswith("0 of 2 queued\n")
    stack.tick()
    stack.drain()
    assert [end_of(run_id)[:2] for run_id in failed] == [("succeeded", 2)] * 2


@pytest.mark.moto
def test_no_further_batch_is_started_after_an_aws_error(stack, replay, monkeypatch):
    monkeypatch.setattr(history_replay, "_BATCH", 8)
    failed = post_visits(stack, *range(10))

    def refused(**_):
        raise EndpointConnectionError(endpoint_url="https://dynamodb.invalid")

    events = boto3_services.client("dynamodb").meta.events
    events.register("before-call.dynamodb.TransactWriteItems", refused)
    try:
        report = replay("--job", "job-a", "--yes", status=1)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", refused)
    assert (report["selected"], report["queued"], list(report["left"])) == (10, 0, failed)
    assert report["left"][failed[0]] == "AWS error EndpointConnectionError."
    assert report["left"][failed[-1]].startswith("Not started after: AWS error")
    assert replay("--job", "job-a", "--yes")["queued"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name the ids to replay, or select runs"),
        (("x", "--job", "job-a"), "but not both"),
        (("--job", "gone"), "The project has no job gone. It has: job-a, after, catch."),
        (("--state", "succeeded"), "Add --job to name the job"),
        (("--since", "soon"), "--since soon is not a time. Write an age such as 90m, 2h or 3d"),
        pytest.param(
            ("--job", "job-a", "--stack", "nowhere"),
            "There is no stack nowhere here.",
            marks=pytest.mark.moto,
        ),
    ],
)
def test_invalid_selection_is_an_error(stack, ofn, tmp_path, arguments, message):
    ended = ofn("replay", *arguments, "--project", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert message in ended.words


def test_empty_selection_asks_no_question(stack, ofn, tmp_path):
    ended = ofn("replay", "--job", "job-a", "--project", tmp_path)
    assert (ended.status, ended.out) == (0, "No runs match.\n0 of 0 queued\n")


def test_without_a_valid_project_the_next_tick_queues_the_replayed(stack, ofn, tmp_path):
    failed, unmatched = post_visits(stack, 7)[0], post(stack, '{"form": "other", "n": 1}')
    stack.drain()
    message_id = unmatched["headers"]["X-Message-Id"]
    deploy(stack, tmp_path, (tmp_path / "project.yaml").read_text().replace("visit", "other"))
    fix_job()
    ended = ofn("replay", failed, message_id, "--project", tmp_path / "nowhere")
    assert (ended.status, ended.out.splitlines()[-1]) == (0, "2 of 2 queued")
    assert "the stack itself queues them" in ended.err
    assert end_of(failed)[0] == "queued"
    stack.tick()
    stack.drain()
    assert end_of(failed)[:2] == ("succeeded", 2)
    assert [run.job for run in details.message(message_id).summary.runs] == ["after", "job-a"]


def test_run_that_has_not_ended_is_not_replayed(stack, replay):
    (run_id,) = post_visits(stack, 7)
    assert replay(run_id)["queued"] == 1
    report = replay(run_id, status=1)
    assert (report["queued"], report["left"]) == (0, {run_id: f"The run {run_id} is queued."})


def test_erased_runs_and_messages_are_not_replayed(create_project_stack, ofn, replay, tmp_path):
    inboxes = f'inboxes: {{inbox-a: {{id_sha256: "{"0" * 64}", keep: none}}}}\n'
    stack = create_project_stack(inboxes + PROJECT.lstrip(), a=FIXED, b=MARK)
    (run_id,) = post_visits(stack, 7)
    left = replay(run_id, status=1)["left"]
    assert "were erased" in left[run_id]
    assert end_of(run_id)[:2] == ("succeeded", 1)
    ended = ofn("replay", ids.source_id_of(run_id), "--project", tmp_path)
    assert ended.status == 1
    assert "cannot be replayed: The body of" in ended.words


def test_unreadable_message_is_not_replayed(stack, ofn, tmp_path):
    post(stack, "{broken")
    unreadable = details.newest_messages(1)[0].message.id
    ended = ofn("replay", unreadable, "--project", tmp_path)
    assert ended.status == 1
    assert f"Message {unreadable} was not readable when it came" in ended.words
