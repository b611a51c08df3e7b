"""`ofn erase` deletes what a stack stores about one person."""

from __future__ import annotations

import json
import random
from io import StringIO

import boto3
import pytest

from openfn import ids
from openfn.history import details
from openfn.project.triggers import Kind
from openfn.runs import dispatch
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import table
from tests.conftest import post
from tests.support.stored_messages import everything

pytestmark = pytest.mark.moto

PROJECT = """
inboxes:
  inbox-a: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
  inbox-b: {id_sha256: "1111111111111111111111111111111111111111111111111111111111111111"}
triggers:
  all: {inbox: inbox-a, inclusion: {}}
  done: {success: job-a}
  emitted: {inbox: inbox-b, inclusion: {}}
  clock: {cron: "* * * * *"}
jobs:
  job-a: {trigger: all, expression: jobs/a.py}
  job-b: {trigger: done, expression: jobs/b.py}
  job-c: {trigger: emitted, expression: jobs/b.py}
  pull: {trigger: clock, expression: jobs/pull.py}
"""
EMITS = """
from adaptors.common import emit, fn

def show(state):
    print("seen", state["data"]["person"]["name"])
    return state

fn(show)
emit("inbox-b", lambda state: {"about": state["data"]["person"]})
"""
FAILS = """
from adaptors.common import fn

def fail(state):
    if "Amina" in str(state["data"]):
        raise ValueError(str(state["data"]) + "seen")
    return state

fn(fail)
"""
PULL = """
from adaptors.common import each, emit, fn

fn(lambda state: {**state, "data": {"people": [{"name": "Amina", "id": "p1"}, {"name": "Joseph"}]}})
each("people", emit("inbox-b", lambda state: {"about": state["data"]}))
fn(lambda state: {"data": {}})
"""
NOISE = random.Random(1).randbytes(250_000).hex()


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=EMITS, b=FAILS, pull=PULL)


@pytest.fixture
def erase(ofn, tmp_path):
    """Run `ofn erase` and return its report."""

    def run(*arguments, status=0):
        ended = ofn("erase", *arguments, "--project", tmp_path, "--json")
        assert (ended.status, ended.err) == (status, "")
        return json.loads(ended.out)

    return run


def post_person(stack, name, **more):
    body = json.dumps({"person": {"name": name, **more}, "noise": NOISE})
    message_id = post(stack, body, rawQueryString=f"q={name}")["headers"]["X-Message-Id"]
    stack.drain()
    return message_id


def pull(stack):
    dispatch.create_and_queue([Plan(ids.new_message_id(), "pull", "clock", Kind.CRON)])
    stack.drain()


def test_message_is_erased_with_its_runs_and_emitted_messages_and_no_other(stack, erase):
    message_id, other_id = post_person(stack, "Amina"), post_person(stack, "Joseph")
    (emitted_id,) = details.emitted_messages(ids.run_id(message_id, "job-a"))
    assert details.run(ids.run_id(emitted_id, "job-c")).status == "failed"
    report = erase(message_id, "--dry-run")
    assert (report["selected"], report["erased"]) == ([message_id, emitted_id], [])
    assert "Amina" in everything(stack)
    report = erase(message_id, "--yes")
    assert (report["erased"], report["not_erased"]) == ([message_id, emitted_id], {})
    assert "Amina" not in everything(stack)
    assert everything(stack).count("Joseph") > 5
    assert details.run(ids.run_id(emitted_id, "job-c")).status == "failed"
    bucket = boto3.resource("s3").Bucket(stack.resources.physical_ids["Bucket"])
    assert {item.key.split("/")[1] for item in bucket.objects.all()} == {other_id}
    (item,) = table.get([ids.key_of(message_id)])
    assert item["erased_by"].startswith("arn:aws:")
    assert item["erased_at"].startswith("20")


def test_messages_are_selected_by_values_of_their_bodies(stack, erase):
    first = post_person(stack, "Amina", id="p1", visits=[{"n": 1}, {"n": 2.50}])
    post_person(stack, "Amina", id="p2", visits=[{"n": 3}])
    post(stack, "not readable")
    (emitted,) = details.emitted_messages(ids.run_id(first, "job-a"))
    where = ("--where", "person.id=p1", "--since", "1h", "--dry-run")
    report = erase(*where)
    assert report["selected"] == [first, emitted]
    assert (report["read"], report["unreadable"], report["more"]) == (5, 1, False)
    for text in ("person.visits.n=2.5", "person.visits[1].n=2.50", "person.visits[*].n=1"):
        assert erase("--where", text, "--since", "1h", "--dry-run")["selected"] == [first, emitted]
    assert erase(*where, "--where", "person.name=Joseph")["selected"] == []
    assert erase(*where, "--where", "__query_params.q=Amina")["selected"] == [first, emitted]
    assert erase(*where, "--limit", "1")["more"] is True


def test_message_whose_run_has_not_ended_is_refused(stack, erase):
    message_id = post_person(stack, "Amina")
    run_id = ids.run_id(message_id, "job-b")
    table.update(ids.key_of(run_id), {"status": "waiting"})
    report = erase(message_id, "--yes", status=1)
    assert message_id not in report["erased"]
    assert f"{run_id} is waiting" in report["not_erased"][message_id]
    assert details.message(message_id).missing is None
    assert runs.load(run_id).status == "waiting"


def test_copy_of_an_emitted_message_in_a_cron_run_is_named_and_can_be_erased(stack, erase):
    pull(stack)
    report = erase("--where", "about.id=p1", "--since", "30d", "--yes")
    (message_id,), (run_id,) = report["erased"], report["copies"]
    assert details.message(message_id).missing
    assert "Amina" in everything(stack)
    report = erase(run_id, "--yes")
    assert report["erased"] == [ids.source_id_of(run_id)]
    assert "Amina" not in everything(stack)
    assert "Joseph" in everything(stack)


def test_cron_run_whose_messages_are_not_stored_yet_is_refused(stack, erase):
    pull(stack)
    report = erase("--where", "about.id=p1", "--since", "30d", "--dry-run")
    (message_id,), (run_id,) = report["selected"], report["copies"]
    dynamodb = boto3.resource("dynamodb").Table(stack.resources.physical_ids["Table"])
    dynamodb.delete_item(Key=ids.key_of(message_id))
    report = erase(run_id, "--yes", status=1)
    assert "may not be stored yet" in report["not_erased"][ids.source_id_of(run_id)]


def test_erased_record_with_dedupe_is_not_accepted_again(create_job_stack, erase):
    code = "from adaptors.common import fn\nfn(lambda state: state)\n"
    stack = create_job_stack(code, options="dedupe: id")
    responses = []
    for _ in range(2):
        responses.append(post(stack, '{"id": 1, "name": "Amina"}')["headers"]["X-Message-Id"])
        stack.drain()
        erase(responses[0], "--yes")
    assert responses[0] == responses[1]
    assert "Amina" not in everything(stack)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Name the ids to erase"),
        (("01a2109f-6658-7090-8f47-436c4565ecae",), "No message with id"),
        (("nope",), "No message with id nope"),
        (("--where", "person"), "Write a path and a value"),
        (("--where", "a=b", "--since", "1h", "--until", "2h"), "is later than --until 2h"),
    ],
)
def test_invalid_arguments_are_errors(stack, ofn, tmp_path, arguments, text):
    ended = ofn("erase", *arguments, "--project", tmp_path)
    assert ended.status == 1
    assert text in ended.words


def test_nothing_is_erased_without_a_confirmation(stack, ofn, tmp_path, monkeypatch):
    message_id = post_person(stack, "Amina")
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    ended = ofn("erase", message_id, "--project", tmp_path)
    assert ended.status == 1
    assert "Erase 2 messages?" in ended.err
    assert details.message(message_id).missing is None
