"""`keep: none` erases body, states and logs once all runs have succeeded."""

from __future__ import annotations

import json

import boto3
import pytest

from openfn import ids
from openfn.errors import NotFound
from openfn.history import details
from openfn.jobs import state
from openfn.runs import store as runs
from openfn.runs.model import Plan
from tests.conftest import post

PROJECT = """
inboxes:
  inbox-a: {{id_sha256: "{digest}", keep: none}}
  inbox-b: {{id_sha256: "{other}"}}
triggers:
  all: {{inclusion: {{}}}}
  done: {{success: job-a}}
jobs:
  job-a: {{trigger: all, expression: jobs/a.py}}
  job-b: {{trigger: all, expression: jobs/b.py}}
  job-c: {{trigger: done, expression: jobs/b.py}}
""".format(digest="0" * 64, other="1" * 64)
FINE = """
from adaptors.common import fn

def show(state):
    print("seen", state["data"]["name"])
    return state

fn(show)
"""
FAILS = FINE + "fn(lambda state: state['no'] if state['data']['fail'] else state)\n"


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=FINE, b=FAILS)


def everything(stack):
    """Return everything stored in the table and the bucket, as one text."""
    table = boto3.resource("dynamodb").Table(stack.resources.physical_ids["Table"])
    bucket = boto3.resource("s3").Bucket(stack.resources.physical_ids["Bucket"])
    objects = [item.get()["Body"].read() for item in bucket.objects.all()]
    return json.dumps(table.scan()["Items"], default=str) + str(objects)


@pytest.mark.parametrize("size", [100, 400_000])
def test_contents_are_erased_and_statuses_stay(stack, size):
    noise = "".join(f"{n:x}" for n in range(size))[:2_000_000]
    body = {"name": "Amina Kofi", "fail": False, "noise": noise}
    message_id = post(stack, json.dumps(body))["headers"]["X-Message-Id"]
    stack.drain()
    records = [details.run(ids.run_id(message_id, f"job-{name}")) for name in "abc"]
    assert [record.status for record in records] == ["succeeded"] * 3
    assert [(record.final, record.log) for record in records] == [(None, "")] * 3
    assert "Amina" not in everything(stack)
    assert noise[-40:] not in everything(stack)
    assert details.newest_messages(1, days=2)[0].missing.endswith("was erased.")


def test_contents_stay_until_all_runs_have_succeeded(stack):
    message_id = post(stack, '{"name": "Amina Kofi", "fail": true}')["headers"]["X-Message-Id"]
    stack.drain()
    assert details.run(ids.run_id(message_id, "job-b")).status == "failed"
    assert details.run(ids.run_id(message_id, "job-a")).log == "seen Amina Kofi\n"
    assert json.loads(details.newest_messages(1, days=2)[0].message.body)["name"] == "Amina Kofi"


def test_contents_of_other_inboxes_stay(stack):
    message_id = post(stack, '{"name": "Amina", "fail": false}', inbox="inbox-b")
    stack.drain()
    run = details.run(ids.run_id(message_id["headers"]["X-Message-Id"], "job-a"))
    assert run.final["data"]["name"] == "Amina"


def test_run_on_an_erased_message_fails_with_the_reason(stack):
    message_id = post(stack, '{"name": "Amina", "fail": false}')["headers"]["X-Message-Id"]
    stack.drain()
    plan = Plan(message_id, "job-b", "all")
    with pytest.raises(NotFound, match="was erased"):
        state.initial_state(runs.load(plan.id))
