"""From a post to a delivered record, through the whole embedded stack."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from benchmarks.support import hostile_bodies
from openfn.history import details
from openfn.log_events import LogEvent
from tests.conftest import ROOT, post
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.stored_messages import message_id_of
from workbench.local.destination import run_destination
from workbench.local.sample_posts import POSTS

PAYLOADS = ROOT / "tests/cases/payloads"
# Lambda filters log lines by level only if their timestamps have this form.
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)")
DELIVER = """
from adaptors.http import post

post("records", lambda state: state["data"])
"""
HOSTILE_PROJECT = """
inboxes:
  plain:
    id_sha256: "0000000000000000000000000000000000000000000000000000000000000001"
    dedupe: case
  ordered: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000002"}
triggers:
  all: {inbox: plain, inclusion: {}}
  in-order: {inbox: ordered, inclusion: {}, order_by: case}
jobs:
  job-a: {trigger: all, expression: jobs/a.py}
  job-b: {trigger: in-order, expression: jobs/a.py}
"""


@pytest.fixture
def delivering(create_job_stack):
    """A stack whose job delivers bodies unchanged, and its destination."""
    stack = create_job_stack(DELIVER, credential="secret-a")
    with run_destination() as destination:
        stack.set_credential(
            "secret-a", {"baseUrl": destination.url, "password": "hunter2", "username": "u"}
        )
        yield stack, destination


def test_every_sample_post_of_the_example_project_is_delivered(stack, urls, destination):
    with stack.running():
        for sample in POSTS:
            assert sample.send(urls[sample.inbox]).status_code == 200
        assert destination.wait_for(5)
    assert sorted(received.path for received in destination.received) == [
        "/children",
        "/households/889409",
        "/medicines",
        "/medicines",
        "/visits",
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_kobo_post_of_the_guide_is_delivered_intact_with_curl(stack, urls, destination):
    event = ROOT / "events/kobo_household.json"
    response = subprocess.run(
        [
            "curl",
            "-sS",
            "-H",
            "Content-Type: application/json",
            "-d",
            f"@{event}",
            urls["field-data"],
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert response.stdout == "{}"
    stack.drain()
    (received,) = destination.received
    assert received.json["answers"] == json.loads(event.read_bytes())
    assert list(received.json["answers"]) == list(json.loads(event.read_bytes()))


def test_every_type_of_json_value_is_delivered_intact(delivering):
    stack, destination = delivering
    body = {
        "floats": [5.36, 250.3327026367, -1.286389, 1e-7, 1520.5000000000, 0.1],
        "integers": [0, -1, 9007199254740993, 12345678901234567890],
        "null": None,
        "true": True,
        "empty": [{}, [], ""],
        "group1/name": "Zoé 🌍 \u0000",
        "*meta-instance-id*": "uuid:1",
        "nested": {"a": {"b": [{"c": None}]}},
    }
    post(stack, json.dumps(body))
    stack.drain()
    assert destination.received[0].json == body


def test_posts_of_every_source_are_delivered_intact(delivering):
    stack, destination = delivering
    bodies = [path.read_bytes() for path in PAYLOADS.glob("*.json") if ".form." not in path.name]
    assert len(bodies) > 20
    for body in bodies:
        assert post(stack, body)["statusCode"] == 200
    stack.drain()
    sent = sorted(json.dumps(json.loads(body), sort_keys=True) for body in bodies)
    received = [json.dumps(request.json, sort_keys=True) for request in destination.received]
    assert sorted(received) == sent


def test_log_lines_contain_no_body_credential_or_inbox_id(stack, urls, log_lines):
    with run_destination() as destination:
        secret = {"baseUrl": destination.url, "username": "registrar", "password": "hunter2!"}
        stack.set_credential("registry", secret)
        for sample in POSTS:
            sample.send(urls[sample.inbox])
        post(stack, "{broken: Amina Kofi", inbox="field-data")
        bad_visit = json.loads(POSTS[2].body)
        bad_visit["form"]["temperature"] = "warm to the touch"
        post(stack, json.dumps(bad_visit), inbox="commcare")
        post(stack, "{}", inbox="no-such-inbox-id")
        stack.drain()
        stack_client.delete_table()
        post(stack, json.dumps({"name": "Amina Kofi"}), inbox="field-data")
    text = "\n".join(line for _, line in log_lines)
    assert {event["error"] for event in log_lines.events(LogEvent.RUN_FAILED)} == {"ValueError"}
    secrets = {
        *stack.inbox_ids.values(),
        "no-such-inbox-id",
        "hunter2",
        "registrar",
        destination.url,
    }
    values = {text for sample in POSTS for text in _texts(json.loads(sample.body)) if len(text) > 3}
    assert len(values) > 40
    leaked = {value for value in values | secrets | {"Amina", "warm to"} if value in text}
    assert leaked <= {"data", "record"}  # parts of the names of operations and inboxes


def _texts(value):
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def test_one_message_with_one_run_stays_within_its_budget(delivering, log_lines):
    stack, _ = delivering
    kobo = POSTS[0]
    _process(stack, kobo)  # warm up: the credential is then cached
    calls = _Calls("dynamodb", "sqs", "secretsmanager")
    del log_lines[:]
    with calls:
        _process(stack, kobo)
    assert calls.names == [
        "PutItem",
        "SendMessageBatch",
        "BatchGetItem",
        "PutItem",
        "SendMessageBatch",
        "UpdateItem",
        "BatchGetItem",
        "UpdateItem",
    ]
    assert calls.write_units <= 5
    overhead = 26  # bytes that CloudWatch bills for each line
    assert sum(len(line.encode()) + overhead for _, line in log_lines) <= 1500


def _process(stack, kobo):
    post(stack, kobo.body.decode())
    stack.drain()


class _Calls:
    """Records the calls of services, and counts the write units that DynamoDB bills."""

    def __init__(self, *services):
        self._services, self._hooks = services, ExitStack()
        self.names = []
        self.write_units = 0

    def __enter__(self):
        for service in self._services:
            hook = hook_aws_call(f"before-parameter-build.{service}", self._count)
            self._hooks.enter_context(hook)

    def __exit__(self, *_):
        self._hooks.close()

    def _count(self, params, model, **_):
        self.names.append(model.name)
        if model.name == "PutItem":
            self.write_units += -(-_size(params["Item"]) // 1024)
        if model.name == "UpdateItem":
            values = params["ExpressionAttributeValues"]
            # DynamoDB bills the complete item; here it had at most 400 bytes before.
            self.write_units += -(-(_size(values) + 400) // 1024)


def _size(item):
    return sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())


def test_log_line_is_one_json_object(stack, urls, destination, log_lines, monkeypatch):
    # Lambda sets this variable even if nothing is traced.
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    POSTS[0].send(urls["field-data"])
    stack.drain()
    assert len(log_lines) >= 5
    for _, line in log_lines:
        event = json.loads(line)
        assert not re.search(r"\s{2,}", line)
        if "_aws" not in event:
            assert "xray_trace_id" not in event
            assert RFC_3339.fullmatch(event["timestamp"])


def test_concurrent_posts_are_delivered_once(create_job_stack, log_lines):
    stack = create_job_stack(DELIVER, credential="secret-a")
    with run_destination() as destination, stack.serving() as served, stack.running():
        stack.set_credential("secret-a", {"baseUrl": destination.url})

        def send(number):
            return requests.post(served["inbox-a"], json={"number": number}, timeout=30).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, range(40))) == {200}
        assert destination.wait_for(40)
    assert sorted(request.json["number"] for request in destination.received) == list(range(40))


def test_good_post_is_delivered_after_every_hostile_post(
    create_project_stack, log_lines, monkeypatch
):
    monkeypatch.setattr(hostile_bodies, "SIZE", 60_000)
    monkeypatch.setattr(hostile_bodies, "EXPANDED", 80_000)
    stack = create_project_stack(HOSTILE_PROJECT, a="from adaptors.common import fn\nfn(dict)\n")
    good = []
    for inbox in ("plain", "ordered"):
        for content_type, create in hostile_bodies.SHAPES.values():
            headers = {"content-type": content_type}
            response = post(stack, create(), inbox=inbox, headers=headers)
            assert response["statusCode"] in (200, 400)
        good.append(message_id_of(post(stack, b'{"case": 1}', inbox=inbox)))
    stack.drain()
    succeeded = {event["run_id"][:36] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)}
    assert succeeded >= set(good)
    states = {message.summary.state for message in details.newest_messages(200, days=2)}
    assert states <= {"matched", "unmatched", "unreadable"}
