"""`ofn replay`: what has ended is run again, once, in the order received."""

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
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.runs import store as runs
from openfn.storage import aws, table
from tests.conftest import post, without_queue
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
MISTAKEN = """
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
MENDED = MISTAKEN.replace("missing", "n")
LOOK = "from adaptors.common import fn\nfn(lambda state: {**state, 'looked': True})\n"
VISIT = '{"form": "visit", "n": %d}'


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=MISTAKEN, b=LOOK)


@pytest.fixture
def replay(ofn, tmp_path):
    """Replay, and give what the command says to a machine."""

    def run(*arguments, status=0):
        ended = ofn("replay", *arguments, "--project", tmp_path, "--json")
        assert (ended.err, ended.status) == ("", status)
        return json.loads(ended.out)

    return run


def posted(stack, *numbers):
    """Post a visit for each number, work on them and give the ids of the runs of job-a."""
    runs_ = [posted_one(stack, VISIT % number) for number in numbers]
    stack.drain()
    return runs_


def posted_one(stack, body):
    return ids.run_id(post(stack, body)["headers"]["X-Message-Id"], "job-a")


def mend(code=MENDED):
    """Deploy the file of job-a anew."""
    project.current().jobs["job-a"].expression.write_text(code, "utf-8")


def deploy(stack, folder, text):
    """Deploy an edited project.yaml."""
    (folder / "project.yaml").write_text(text, "utf-8")
    digests = {n: hashlib.sha256(i.encode()).hexdigest() for n, i in stack.inbox_ids.items()}
    compile_project(folder, Path(os.environ["PROJECT_DIR"]), digests)
    project.load.cache_clear()


def answer(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def ends(run_id):
    record = details.run(run_id)
    return record.status, record.attempt, record.log


def test_a_failed_run_goes_on_where_it_failed_with_the_mended_job(stack, replay):
    (run_id,) = posted(stack, 7)
    mend()
    found = replay(run_id)
    assert (found["selected"], found["queued"], found["left"]) == (1, 1, {})
    stack.drain()
    assert ends(run_id) == ("succeeded", 2, "second\n")
    assert details.run(run_id).final["got"] == 7
    assert details.run(run_id).error is None


def test_with_fresh_it_begins_anew(stack, replay):
    (run_id,) = posted(stack, 7)
    mend()
    replay(run_id, "--fresh")
    stack.drain()
    assert ends(run_id) == ("succeeded", 2, "first 7\nsecond\n")


def test_each_attempt_has_a_record_of_its_own(stack, replay):
    (run_id,) = posted(stack, 7)
    replay(run_id)
    stack.drain()
    assert ends(run_id)[:2] == ("failed", 2)
    mend()
    replay(run_id)
    stack.drain()
    found = details.attempts(run_id)
    assert [(each.attempt, each.status) for each in found] == [(1, "failed"), (2, "failed")]
    assert {each.error["type"] for each in found} == {"KeyError"}
    assert found[0].started < found[0].finished < found[1].started < found[1].finished
    assert ends(run_id) == ("succeeded", 3, "second\n")


def test_a_run_that_succeeded_begins_anew_and_what_it_left_is_on_record(stack, replay):
    mend()
    (run_id,) = posted(stack, 7)
    mend(MENDED.replace('"got"', '"new"'))
    replay(run_id)
    stack.drain()
    assert ends(run_id) == ("succeeded", 2, "first 7\nsecond\n")
    final = details.run(run_id).final
    assert ("got" in final, final["new"]) == (False, 7)
    assert [(each.attempt, each.status) for each in details.attempts(run_id)] == [(1, "succeeded")]


def test_a_job_that_retries_has_all_its_attempts_again(stack, replay, tmp_path):
    (run_id,) = posted(stack, 7)
    mend('from adaptors.common import fn\nfn(lambda s: s)\nfn(lambda s: {}["x"])\n')
    for attempt in (2, 3):
        replay(run_id)
        stack.drain()
        assert runs.load(run_id).tries == 1
        assert ends(run_id)[1] == attempt


def test_what_follows_is_made_once_and_replayed_by_its_own_id(stack, replay):
    (run_id,) = posted(stack, 7)
    caught, after = (run_id.replace("job-a", each) for each in ("catch", "after"))
    assert details.run(caught).attempt == 1
    assert details.run(after) is None
    mend()
    replay(run_id)
    stack.drain()
    assert (details.run(caught).attempt, details.run(after).attempt) == (1, 1)
    replay(run_id)
    stack.drain()
    assert details.run(after).attempt == 1
    replay(after)
    stack.drain()
    assert (details.run(after).attempt, details.run(after).status) == (2, "succeeded")


def test_a_follower_of_a_failure_that_is_no_more_says_so(stack, replay):
    (run_id,) = posted(stack, 7)
    mend()
    replay(run_id)
    stack.drain()
    caught = run_id.replace("job-a", "catch")
    replay(caught)
    stack.drain()
    assert details.run(caught).status == "failed"
    assert "was replayed since and ended differently" in details.run(caught).error["message"]


def test_a_follower_can_begin_while_the_run_before_it_is_replayed(stack, replay):
    (run_id,) = posted(stack, 7)
    replay(run_id)
    runs.claim(run_id, 60)
    caught = run_id.replace("job-a", "catch")
    replay(caught)
    stack.drain()
    assert (details.run(caught).status, details.run(caught).attempt) == ("succeeded", 2)


def test_a_message_is_replayed_against_the_jobs_it_matches_by_now(stack, replay, tmp_path):
    (run_id,) = posted(stack, 7)
    message_id = ids.source_id_of(run_id)
    new = PROJECT + "  job-b: {trigger: form, expression: jobs/b.py}\n"
    deploy(stack, tmp_path, f'name: test\ninboxes: {{inbox-a: {{id_sha256: "{"0" * 64}"}}}}\n{new}')
    mend()
    found = replay(message_id)
    assert [each["id"] for each in found["runs"]] == [run_id]
    assert (found["messages"], found["queued"]) == ([message_id], 2)
    stack.drain()
    assert ends(run_id) == ("succeeded", 2, "second\n")
    new_run = details.run(ids.run_id(message_id, "job-b"))
    assert (new_run.status, new_run.attempt) == ("succeeded", 1)
    # What followed the run is no run of the message itself.
    assert details.run(ids.run_id(message_id, "catch")).attempt == 1


def test_a_message_and_its_run_named_together_replay_the_run_once(stack, replay):
    (run_id,) = posted(stack, 7)
    found = replay(run_id, ids.source_id_of(run_id), run_id)
    assert (found["selected"], found["queued"], len(found["runs"])) == (2, 2, 1)


def test_of_ids_that_are_not_known_each_is_named_and_nothing_is_done(stack, ofn, tmp_path):
    (run_id,) = posted(stack, 7)
    gone = ids.new_message_id()
    attempt = f"{run_id}#0001"
    ended = ofn("replay", run_id, gone, f"{gone}#job-a", "x", attempt, "--project", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    for each in (gone, f"{gone}#job-a", " x,", attempt):
        assert each in ended.words
    assert runs.load(run_id).status == "failed"


@contextmanager
def pages_of(number):
    """Let DynamoDB give so many items at a time."""

    def limit(params, **_):
        params["Limit"] = number

    events = aws.client("dynamodb").meta.events
    events.register("before-parameter-build.dynamodb.Query", limit)
    yield
    events.unregister("before-parameter-build.dynamodb.Query", limit)


def test_all_that_failed_is_replayed_in_the_order_received_and_what_is_not_is_named(
    stack, ofn, replay, tmp_path, log_lines
):
    failed = posted(stack, *range(50))
    # The first to come is the last to fail.
    replay(failed[0])
    stack.drain()
    mend()
    del log_lines[:]
    busy = failed[30]
    with pages_of(20), running_by_then(busy):
        ended = ofn("replay", "--job", "job-a", "--yes", "--project", tmp_path)
    assert ended.status == 1
    first, second, last = ended.out.splitlines()
    assert first == "job-a: 50 runs"
    assert second == f"{busy} not queued: Its status is now running."
    assert last == "49 of 50 queued"
    stack.drain()
    executed = [
        each["run_id"]
        for each in log_lines.events(LogEvent.RUN_SUCCEEDED)
        if each["job"] == "job-a"
    ]
    assert executed == [each for each in failed if each != busy]


@contextmanager
def running_by_then(run_id):
    """Let a run be claimed by a runner between its selection and its replay."""

    def claimed(**_):
        events.unregister("before-call.dynamodb.BatchGetItem", claimed)
        if table.get([ids.key_of(run_id)])[0]["status"] == "failed":
            changes = {"status": "running", "lease": 2**40}
            table.update(ids.key_of(run_id), changes, "attribute_exists(pk)")

    events = aws.client("dynamodb").meta.events
    events.register("before-call.dynamodb.BatchGetItem", claimed)
    yield


def test_runs_of_one_order_are_executed_in_it(create_project_stack, replay, tmp_path, log_lines):
    ordered = PROJECT.replace("{form: visit}}", "{form: visit}, order_by: form}")
    stack = create_project_stack(ordered, a=MISTAKEN, b=LOOK)
    failed = posted(stack, *range(12))
    mend()
    del log_lines[:]
    assert replay("--job", "job-a", "--yes")["queued"] == 12
    stack.drain()
    executed = [
        each["run_id"]
        for each in log_lines.events(LogEvent.RUN_SUCCEEDED)
        if each["job"] == "job-a"
    ]
    assert executed == failed


def test_a_dry_run_lists_and_counts_and_changes_nothing(stack, ofn, tmp_path):
    failed = posted(stack, 1, 2)
    before = [runs.load(each) for each in failed]
    ended = ofn("replay", "--since", "2h", "--dry-run", "--project", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [*(f"{each} failed" for each in failed), "job-a: 2 runs"]
    ended = ofn("replay", *failed, "--dry-run", "--project", tmp_path)
    assert ended.status == 0
    assert [runs.load(each) for each in failed] == before


def test_it_asks_and_does_nothing_unless_the_answer_is_yes(stack, ofn, tmp_path, monkeypatch):
    (run_id,) = posted(stack, 1)
    for text in ("n\n", "\n", ""):
        answer(monkeypatch, text)
        ended = ofn("replay", "--job", "job-a", "--project", tmp_path)
        assert ended.status == 1
        assert "Replay 1 run? [y/N]:" in ended.err
        assert runs.load(run_id).status == "failed"
    answer(monkeypatch, "y\n")
    ended = ofn("replay", "--job", "job-a", "--project", tmp_path)
    assert ended.out.endswith("1 of 1 queued\n")
    assert runs.load(run_id).status == "queued"


def test_only_runs_that_failed_since_then_and_of_the_job_are_selected(stack, replay):
    old, new = posted(stack, 1, 2)
    at = table.timestamp((datetime.now(UTC) - timedelta(hours=3)).timestamp())
    table.update(ids.key_of(old), {"attention_at": at}, "attribute_exists(pk)")

    def selected(*arguments):
        return [each["id"] for each in replay(*arguments, "--dry-run")["runs"]]

    assert selected("--since", "2h") == [new]
    assert selected("--since", "1d") == [old, new]
    assert selected("--job", "job-a", "--state", "failed") == [old, new]
    assert selected("--job", "catch") == []
    assert selected("--job", "catch", "--state", "succeeded") == [
        each.replace("job-a", "catch") for each in (old, new)
    ]


def test_succeeded_runs_are_found_in_the_days_since_then(stack, replay):
    mend()
    found = []
    for days in (30, 2, 1):
        when = datetime.now(UTC) - timedelta(days=days, minutes=1)
        message = Message(
            ids.minute_id(when)[:-1] + str(days % 10), "inbox-a", b'{"form":"visit","n":1}'
        )
        messages.queue(messages.store(message))
        found.append(ids.run_id(message.id, "job-a"))
    found += posted(stack, 5)
    stack.drain()
    arguments = ("--job", "job-a", "--state", "succeeded", "--dry-run")
    for since, count in (("1h", 1), ("24h", 1), ("25h", 2), ("3d", 3), ("365d", 4)):
        rows = replay(*arguments, "--since", since)["runs"]
        assert [each["id"] for each in rows] == found[-count:], since
    assert replay(*arguments)["selected"] == 4


def test_what_the_queue_does_not_take_is_named_and_queued_by_the_next_tick(stack, ofn, tmp_path):
    failed = posted(stack, 1, 2)
    mend()
    with without_queue(stack, "RUN_QUEUE_URL"):
        ended = ofn("replay", *failed, "--project", tmp_path)
    assert ended.status == 1
    assert f"{failed[0]} not queued: The run queue did not accept it" in ended.out
    assert ended.out.endswith("0 of 2 queued\n")
    stack.tick()
    stack.drain()
    assert [ends(each)[:2] for each in failed] == [("succeeded", 2)] * 2


def test_once_aws_refuses_one_those_behind_it_are_not_begun(stack, replay):
    failed = posted(stack, *range(55))

    def refused(**_):
        raise EndpointConnectionError(endpoint_url="https://dynamodb.invalid")

    events = aws.client("dynamodb").meta.events
    events.register("before-call.dynamodb.TransactWriteItems", refused)
    try:
        found = replay("--job", "job-a", "--yes", status=1)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", refused)
    assert (found["selected"], found["queued"], list(found["left"])) == (55, 0, failed)
    assert found["left"][failed[0]] == "AWS error EndpointConnectionError."
    assert found["left"][failed[-1]].startswith("Not started after: AWS error")
    assert replay("--job", "job-a", "--yes")["queued"] == 55


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name what to replay: ids, or --job"),
        (("x", "--job", "job-a"), "but not both"),
        (("--job", "gone"), "The project has no job gone. It has: job-a, after, catch."),
        (("--state", "succeeded"), "Name the job whose succeeded runs"),
        (("--since", "soon"), "--since soon is not a time. Write 90m, 2h or 3d"),
        (("--job", "job-a", "--stack", "nowhere"), "There is no stack nowhere here."),
    ],
)
def test_what_cannot_be_replayed_is_said_in_words(stack, ofn, tmp_path, arguments, words):
    ended = ofn("replay", *arguments, "--project", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert words in ended.words


def test_nothing_to_replay_is_said_without_a_question(stack, ofn, tmp_path):
    ended = ofn("replay", "--job", "job-a", "--project", tmp_path)
    assert (ended.status, ended.out) == (0, "No runs match.\n0 of 0 queued\n")


def test_a_run_that_has_not_ended_is_named(stack, replay):
    (run_id,) = posted(stack, 7)
    assert replay(run_id)["queued"] == 1
    found = replay(run_id, status=1)
    assert (found["queued"], found["left"]) == (0, {run_id: f"The run {run_id} is queued."})


def test_what_was_erased_is_not_replayed(create_project_stack, ofn, replay, tmp_path):
    inboxes = f'inboxes: {{inbox-a: {{id_sha256: "{"0" * 64}", keep: none}}}}\n'
    stack = create_project_stack(inboxes + PROJECT.lstrip(), a=MENDED, b=LOOK)
    (run_id,) = posted(stack, 7)
    left = replay(run_id, status=1)["left"]
    assert "were erased (`keep: none`)" in left[run_id]
    assert ends(run_id)[:2] == ("succeeded", 1)
    ended = ofn("replay", ids.source_id_of(run_id), "--project", tmp_path)
    assert ended.status == 1
    assert "cannot be replayed: The body of" in ended.words


def test_a_message_that_could_not_be_read_is_not_matched_again(stack, ofn, tmp_path):
    post(stack, "{broken")
    unreadable = details.newest_messages(1)[0].message.id
    ended = ofn("replay", unreadable, "--project", tmp_path)
    assert ended.status == 1
    assert f"Message {unreadable} was not readable when it came" in ended.words
