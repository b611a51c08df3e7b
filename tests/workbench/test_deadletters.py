"""`ofn dead-letters`: what the queues gave up on is listed, shown and put back."""

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
from tests.conftest import post, without_queue
from workbench.stack import dead_letters

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
def listed(ofn, tmp_path):
    """List the dead letters as a machine reads them: the matcher's, then the runner's."""

    def run():
        ended = ofn("dead-letters", "list", "--project", tmp_path, "--json")
        assert (ended.err, ended.status) == ("", 0)
        return json.loads(ended.out)

    return run


def give_up(stack, name):
    """Receive what is on a queue, and never delete it, until all is in the dead letters."""
    sqs, url = boto3.client("sqs"), stack.resources.functions["matcher"].environment[name]
    count = ["ApproximateNumberOfMessages"]
    while (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=count)["Attributes"][count[0]] != "0"
    ):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)


def given_up(stack, count):
    """Give the ids of messages that the matcher could not match, in the order received."""
    found = []
    for number in range(count):
        body = json.dumps({"form": "visit", "n": number})
        found.append(post(stack, body)["headers"]["X-Message-Id"])
    give_up(stack, "MATCH_QUEUE_URL")
    return found


def executed(log_lines):
    return [each["run_id"] for each in log_lines.events(LogEvent.RUN_SUCCEEDED)]


def test_the_dead_letters_are_listed_and_stay_where_they_are(stack, listed):
    found = given_up(stack, 3)
    matcher, runner = listed()
    assert (matcher["queue"], matcher["count"]) == ("MatchDeadLetters", 3)
    assert [each["id"] for each in matcher["letters"]] == found
    assert {(each["kind"], each["what"]) for each in matcher["letters"]} == {("message", "inbox-a")}
    assert all(each["since"] >= table.timestamp(0)[:2] for each in matcher["letters"])
    assert runner == {"queue": "RunDeadLetters", "count": 0, "letters": []}
    assert listed() == [matcher, runner]


def test_more_than_ten_of_one_group_are_counted(stack, ofn, listed, tmp_path):
    found = given_up(stack, 12)
    for _ in range(2):
        matcher, _ = listed()
        assert (matcher["count"], [each["id"] for each in matcher["letters"]]) == (12, found[:10])
    ended = ofn("dead-letters", "list", "--project", tmp_path)
    assert "  and 2 more, behind these" in ended.out


def test_they_are_put_back_in_their_order_and_worked_off(stack, ofn, listed, tmp_path, log_lines):
    found = given_up(stack, 12)
    ended = ofn("dead-letters", "redrive", "--yes", "--project", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith("12 of 12 put back\n")
    assert [each["count"] for each in listed()] == [0, 0]
    stack.drain()
    assert executed(log_lines) == [ids.run_id(each, "job-a") for each in found]


def test_a_run_is_put_back_and_executed(stack, ofn, listed, tmp_path):
    message_id = post(stack, '{"form": "other"}')["headers"]["X-Message-Id"]
    stack.drain()
    plan = Plan(message_id, "job-a", "form")
    runs.create([plan], "version")
    runs.queue([(plan, "group")])
    give_up(stack, "RUN_QUEUE_URL")
    (letter,) = listed()[1]["letters"]
    assert (letter["id"], letter["kind"], letter["what"]) == (plan.id, "run", "job-a, queued")
    ended = ofn("dead-letters", "redrive", "--yes", "--project", tmp_path, "--json")
    assert json.loads(ended.out) == {"found": 1, "put_back": 1, "left": ""}
    stack.drain()
    assert details.run(plan.id).status == "succeeded"


def test_it_asks_before_it_puts_anything_back(stack, ofn, listed, tmp_path, monkeypatch):
    given_up(stack, 1)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    ended = ofn("dead-letters", "redrive", "--project", tmp_path)
    assert ended.status == 1
    assert "Put 1 id back? [y/N]:" in ended.err
    assert listed()[0]["count"] == 1


def test_nothing_is_lost_when_the_queue_does_not_take_it(stack, ofn, listed, tmp_path):
    found = given_up(stack, 2)
    with without_queue(stack, "MATCH_QUEUE_URL"):
        ended = ofn("dead-letters", "redrive", "--yes", "--project", tmp_path)
    assert ended.status == 1
    assert "0 of 2 put back: MatchDeadLetters: the queue did not accept them" in ended.out
    assert [each["id"] for each in listed()[0]["letters"]] == found


def test_what_is_sent_is_there_before_it_is_deleted(stack, ofn, listed, tmp_path, log_lines):
    (message_id,) = given_up(stack, 1)
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
    there = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert there["ApproximateNumberOfMessagesNotVisible"] == "1"
    stack.drain()
    assert executed(log_lines) == [ids.run_id(message_id, "job-a")]


def test_what_is_none_of_our_ids_is_listed_and_put_back_as_it_is(stack, ofn, listed, tmp_path):
    sqs = boto3.client("sqs")
    (queue, _) = dead_letters.queues("openfn")
    sent = {"MessageGroupId": "g", "MessageDeduplicationId": "1", "MessageBody": "[not ours]"}
    sqs.send_message(QueueUrl=queue.url, **sent)
    assert [(each["id"], each["what"]) for each in listed()[0]["letters"]] == [("", "expired")]
    ofn("dead-letters", "redrive", "--yes", "--project", tmp_path)
    url = stack.resources.functions["matcher"].environment["MATCH_QUEUE_URL"]
    (back,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert (back["Body"], back["Attributes"]["MessageGroupId"]) == ("[not ours]", "g")


def test_an_id_is_shown_with_what_is_behind_it(stack, ofn, tmp_path):
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
    ("given", "words"),
    [("x", "No message with id x."), (f"{GONE}#job-a", f"No run with id {GONE}")],
)
def test_an_id_that_is_not_known_is_said_in_words(stack, ofn, tmp_path, given, words):
    ended = ofn("dead-letters", "show", given, "--project", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert words in ended.words
