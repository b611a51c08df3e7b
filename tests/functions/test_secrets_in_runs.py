"""Secrets of a credential in a run: masked in texts, referred to in its resume state, else data."""

from __future__ import annotations

import json

import pytest

from openfn import ids
from openfn.history import details
from openfn.messages import store as messages
from openfn.runs import outbox
from openfn.runs import store as runs
from openfn.storage import table
from tests.conftest import post

SECRET = "district"  # the password of DHIS2's demo, and a word in its records
CREDENTIAL = {"baseUrl": "https://x.example.org", "username": "admin", "password": SECRET}
BODY = {"level": "district", "text": "the district of Bo", "configuration": {"level": "district"}}
PROJECT = """
triggers:
  all: {inclusion: {}, exclusion: {skip: true}}
  done: {success: job-a}
credentials:
  secret-a: {adaptor: http}
jobs:
  job-a: {trigger: all, credential: secret-a, expression: jobs/a.py}
  after: {trigger: done, expression: jobs/after.py}
"""
JOB = """
import logging
import sys
from pathlib import Path
from adaptors.common import emit, fn

class Later(Exception):
    verdict = "remote-for-now"

def remember(state):
    credential = state["configuration"]
    return {**state, "saved": [{"configuration": credential}], "token": credential["password"]}

def deliver(state):
    print("print", state["token"])
    print("stderr", state["token"], file=sys.stderr)
    logging.getLogger("own").error("logging %s", state["token"])
    if not Path("FLAG").exists():
        raise type(f"Later_{state['token']}", (Later,), {})(f"{'x' * 4990} {state['token']}")
    assert state["saved"][0]["configuration"] == state["configuration"]
    return {**state, "delivered": state["data"]}

fn(remember)
fn(deliver)
emit("inbox-a", lambda state: {"skip": True, "level": state["token"]})
"""
AFTER = "from adaptors.common import fn\nfn(lambda state: {**state, 'seen': state['data']})\n"


@pytest.fixture
def posted(create_project_stack, tmp_path):
    """Post a message whose run fails once; return the stack, the run's id and the flag's path."""
    flag = tmp_path / "flag"
    stack = create_project_stack(PROJECT, a=JOB.replace("FLAG", str(flag)), after=AFTER)
    stack.set_credential("secret-a", CREDENTIAL)
    message_id = post(stack, json.dumps(BODY))["headers"]["X-Message-Id"]
    stack.drain()
    return stack, ids.run_id(message_id, "job-a"), flag


def resume(stack, run_id):
    changes = {"due": 1, "attention_at": table.timestamp(1)}
    table.update(ids.key_of(run_id), changes, "#status = :waiting", waiting="waiting")
    stack.tick()
    stack.drain()
    return details.run(run_id)


def test_failed_attempt_leaves_no_secret(posted, log_lines, capfd, caplog):
    _, run_id, _ = posted
    record = details.run(run_id)
    assert record.log == "print ***\nstderr ***\nERROR own: logging ***\n"
    assert record.error["type"] == "Later_***"
    assert record.error["message"] == f"{'x' * 4990} ***"
    resume_state = json.loads(runs.load(run_id).read("resume"))
    assert SECRET not in json.dumps(resume_state).replace("the district of Bo", "")
    outside = [str(log_lines), caplog.text, *capfd.readouterr()]
    assert [text for text in outside if SECRET in text] == []


def test_data_that_equals_a_secret_arrives_unchanged(posted):
    stack, run_id, flag = posted
    flag.touch()
    record = resume(stack, run_id)
    assert (record.status, record.error) == ("succeeded", None)
    assert record.final["delivered"] == record.final["data"] == BODY
    assert record.final["saved"] == [{}]
    assert record.final["token"] == SECRET
    after = details.run(run_id.replace("job-a", "after"))
    assert after.final["seen"] == BODY
    (emission,) = outbox.load(runs.load(run_id))
    assert json.loads(messages.read([emission.id])[emission.id].body)["level"] == SECRET
    warnings = sorted(line for line in record.log.splitlines() if line.startswith("warning"))
    assert len(warnings) == 6
    end = ". It is stored as it is."
    assert [line.removesuffix(end) for line in warnings[-2:]] == [
        "warning: the final state has the credential's password at token",
        "warning: the message to inbox-a has the credential's password at level",
    ]
