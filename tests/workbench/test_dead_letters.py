"""`ofn dead-letters` lists, shows and redrives the ids in the dead-letter queues."""

from __future__ import annotations

import io
import json
import sys

import boto3
import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import table
from tests.conftest import post
from tests.support.stack_client import without_queue
from workbench.stack import dead_letters

pytestmark = pytest.mark.moto

PROJECT = """
triggers: {form: {inclusion: {form: visit}, order_by: form}}
jobs: {job-a: {trigger: form, expression: jobs/a.py}}
"""
CODE = "from adaptors.common import fn\nfn(lambda state: state)\n"
GONE = "01a2109f-6658-7090-8f47-436c4565ecae"


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=CODE)


@pytest.fixture
def list_queues(ofn, tmp_path):
    """Return the dead-letter queues of the matcher and of the runner as JSON."""

    def run():
        ended = ofn("dead-letters", "list", "--project", tmp_path, "--json")
        assert (ended.err, ended.status) == ("", 0)
        return json.loads(ended.out)

    return run


def receive_until_dead(stack, name):
    """Receive the messages of a queue without deleting them until all are dead letters."""
    sqs, url = boto3.client("sqs"), stack.resources.functions["matcher"].environment[name]
    count = ["ApproximateNumberOfMessages"]
    while (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=count)["Attributes"][count[0]] != "0"
    ):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)


def post_dead_letters(stack, count):
    """Post messages that the matcher cannot match; return their ids in the order received."""
    message_ids = []
    for number in range(count):
        body = json.dumps({"form": "visit", "n": number})
        message_ids.append(post(stack, body)["headers"]["X-Message-Id"])
    receive_until_dead(stack, "MATCH_QUEUE_URL")
    return message_ids


def executed_runs(log_lines):
    return [event["run_id"] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)]


def test_dead_letters_are_listed_and_stay_in_their_queue(stack, list_queues):
    message_ids = post_dead_letters(stack, 3)
    matcher, runner = list_queues()
    assert (matcher["queue"], matcher["count"]) == ("MatchDeadLetters", 3)
    assert [letter["id"] for letter in matcher["letters"]] == message_ids
    assert {(letter["kind"], letter["what"]) for letter in matcher["letters"]} == {
        ("message", "inbox-a")
    }
    assert all(letter["since"] >= table.timestamp(0)[:2] for letter in matcher["letters"])
    assert runner == {"queue": "RunDeadLetters", "count": 0, "letters": []}
    assert list_queues() == [matcher, runner]


def test_more_than_ten_letters_of_one_group_are_counted(stack, ofn, list_queues, tmp_path):
    message_ids = post_dead_letters(stack, 12)
    for _ in range(2):
        matcher, _ = list_queues()
        assert (matcher["count"], [letter["id"] for letter in matcher["letters"]]) == (
            12,
            message_ids[:10],
        )
    ended = ofn("dead-letters", "list", "--project", tmp_path)
    assert "  and 2 more, behind these" in ended.out


def test_redriven_letters_are_processed_in_their_order(
    stack, ofn, list_queues, tmp_path, log_lines
):
    message_ids = post_dead_letters(stack, 12)
    ended = ofn("dead-letters", "redrive", "--yes", "--project", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith("12 of 12 moved back\n")
    assert [queue["count"] for queue in list_queues()] == [0, 0]
    stack.drain()
    assert executed_runs(log_lines) == [
        ids.run_id(message_id, "job-a") for message_id in message_ids
    ]


def test_redriven_run_is_executed(stack, ofn, list_queues, tmp_path):
    message_id = post(stack, '{"form": "other"}')["headers"]["X-Message-Id"]
    stack.drain()
    plan = Plan(message_id, "job-a", "form")
    runs.create([plan], "version")
    runs.queue([(plan, "group")])
    receive_until_dead(stack, "RUN_QUEUE_URL")
    (letter,) = list_queues()[1]["letters"]
    assert (letter["id"], letter["kind"], letter["what"]) == (plan.id, "run", "job-a, queued")
    ended = ofn("dead-letters", "redrive", "--yes", "--project", tmp_path, "--json")
    assert json.loads(ended.out) == {"found": 1, "put_back": 1, "left": ""}
    stack.drain()
    assert details.run(plan.id).status == "succeeded"


def test_redrive_asks_first(stack, ofn, list_queues, tmp_path, monkeypatch):
    post_dead_letters(stack, 1)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    ended = ofn("dead-letters", "redrive", "--project", tmp_path)
    assert ended.status == 1
    assert "Move 1 id back? [y/N]:" in ended.err
    assert list_queues()[0]["count"] == 1


def test_letters_stay_if_the_queue_does_not_accept_them(stack, ofn, list_queues, tmp_path):
    message_ids = post_dead_letters(stack, 2)
    with without_queue(stack, "MATCH_QUEUE_URL"):
        ended = ofn("dead-letters", "redrive", "--yes", "--project", tmp_path)
    assert ended.status == 1
    assert "0 of 2 moved back: MatchDeadLetters: the queue did not accept them" in ended.out
    assert [letter["id"] for letter in list_queues()[0]["letters"]] == message_ids


def test_letters_are_sent_before_they_are_deleted(stack, ofn, list_queues, tmp_path, log_lines):
    (message_id,) = post_dead_letters(stack, 1)
    sqs = boto3.client("sqs")
    (queue, _) = dead_letters.queues("openfn")

    def stopped(**_):
        raise KeyboardInterrupt

    events = boto3.DEFAULT_SESSION.events
    events.register("before-call.sqs.DeleteMessageBatch", stopped)
    try:
        with pytest.raises(KeyboardInterrupt):
            dead_letters.redrive(queue, lambda _: None)
    finally:
        events.unregister("before-call.sqs.DeleteMessageBatch", stopped)
    attributes = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    stack.drain()
    assert executed_runs(log_lines) == [ids.run_id(message_id, "job-a")]


def test_foreign_letter_is_listed_and_redriven_unchanged(stack, ofn, list_queues, tmp_path):
    sqs = boto3.client("sqs")
    (queue, _) = dead_letters.queues("openfn")
    sent = {"MessageGroupId": "g", "MessageDeduplicationId": "1", "MessageBody": "[not ours]"}
    sqs.send_message(QueueUrl=queue.url, **sent)
    assert [(letter["id"], letter["what"]) for letter in list_queues()[0]["letters"]] == [
        ("", "expired")
    ]
    ofn("dead-letters", "redrive", "--yes", "--project", tmp_path)
    url = stack.resources.functions["matcher"].environment["MATCH_QUEUE_URL"]
    (back,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert (back["Body"], back["Attributes"]["MessageGroupId"]) == ("[not ours]", "g")


def test_message_and_run_are_shown_by_id(stack, ofn, tmp_path):
    message_id = post(stack, '{"form": "visit"}')["headers"]["X-Message-Id"]
    stack.drain()
    run_id = ids.run_id(message_id, "job-a")
    ofn("replay", run_id, "--project", tmp_path)
    stack.drain()
    ended = ofn("dead-letters", "show", message_id, "--project", tmp_path)
    received, run = ended.out.splitlines()
    assert received.endswith(" in inbox-a")
    assert run == f"{run_id} succeeded"
    ended = ofn("dead-letters", "show", run_id, "--project", tmp_path)
    before, now = ended.out.splitlines()
    assert before.startswith("attempt 1 succeeded 20")
    assert now.startswith("job-a succeeded in ")
    ended = ofn("dead-letters", "show", run_id, "--project", tmp_path, "--json")
    shown = json.loads(ended.out)
    assert (shown["id"], shown["attempt"], len(shown["attempts"])) == (run_id, 2, 1)


@pytest.mark.parametrize(
    ("identifier", "message"),
    [("x", "No message with id x."), (f"{GONE}#job-a", f"No run with id {GONE}")],
)
def test_unknown_id_is_an_error(stack, ofn, tmp_path, identifier, message):
    ended = ofn("dead-letters", "show", identifier, "--project", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert message in ended.words
