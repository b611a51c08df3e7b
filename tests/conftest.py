"""What tests share: the embedded stack of a project, and a destination."""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import dedent

import boto3
import pytest

from openfn.storage import aws
from tests.support import postgresql
from workbench.local import destination, stack
from workbench.local.log_view import parsed

ROOT = Path(__file__).resolve().parents[1]
FAULTS_TRIED = "faults tried"
"""The property with which a test records how many faults it tried: they are summed up and told."""


class Lines(list):
    """The lines the functions logged: `(function, line)`."""

    def events(self, message):
        """Give the structured lines with this message."""
        found = [parsed(line) or {} for _, line in self]
        return [event for event in found if event.get("message") == message]


PROJECT = """
name: test
inboxes:
  inbox-a: {{id_sha256: "{digest}"{options}}}
triggers:
  all: {{inclusion: {inclusion}}}
jobs:
  job-a: {{trigger: all, expression: jobs/a.py{credential}}}
credentials:
  secret-a: {{adaptor: http}}
"""


@pytest.fixture
def made_with(tmp_path, logged):
    """Make the stack of a project whose one job, `job-a`, has this code and runs on any message."""
    with ExitStack() as context:

        def make(code, credential=None, inclusion="{}", options=""):
            (tmp_path / "jobs").mkdir()
            (tmp_path / "jobs/a.py").write_text(dedent(code), "utf-8")
            with_credential = f", credential: {credential}" if credential else ""
            text = PROJECT.format(
                digest="0" * 64,
                credential=with_credential,
                inclusion=inclusion,
                options=f", {options}" if options else "",
            )
            (tmp_path / "project.yaml").write_text(text, "utf-8")
            tell = lambda *each: logged.append(each)  # noqa: E731
            return context.enter_context(stack.created(tmp_path, tell))

        yield make


@pytest.fixture
def made_of(tmp_path, logged):
    """Make the stack of a project: the text of project.yaml, and the code of its jobs by name."""
    with ExitStack() as context:

        def make(text, **jobs):
            write_project(tmp_path, text, jobs)
            tell = lambda *each: logged.append(each)  # noqa: E731
            return context.enter_context(stack.created(tmp_path, tell))

        yield make


def write_project(folder, text, jobs):
    """Write a project: the text of project.yaml, with an inbox if it has none, and its jobs."""
    (folder / "jobs").mkdir()
    for name, code in jobs.items():
        (folder / f"jobs/{name}.py").write_text(dedent(code), "utf-8")
    inboxes = f'inboxes: {{inbox-a: {{id_sha256: "{"0" * 64}"}}}}\n'
    given = "" if "inboxes:" in text else inboxes
    (folder / "project.yaml").write_text(f"name: test\n{given}{dedent(text)}", "utf-8")


@contextmanager
def hooked(event, handler):
    """Let a handler see the calls of a client of the stack: `before-call.sqs.SendMessageBatch`."""
    hooks = aws.client(event.split(".")[1]).meta.events
    hooks.register(event, handler)
    try:
        yield
    finally:
        hooks.unregister(event, handler)


@contextmanager
def without_queue(made, name):
    """Take a queue away (`RUN_QUEUE_URL` or `MATCH_QUEUE_URL`), and put an empty one there."""
    sqs, url = boto3.client("sqs"), made.resources.functions["matcher"].environment[name]
    had = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    sqs.delete_queue(QueueUrl=url)
    yield
    kept = {key: had[key] for key in ("FifoQueue", "VisibilityTimeout", "RedrivePolicy")}
    sqs.create_queue(QueueName=url.rsplit("/", 1)[1], Attributes=kept)


def tick(made, minute):
    """Let the clock's tick of a minute come."""
    event = json.loads((ROOT / "events/lambda/schedule_tick.json").read_text("utf-8"))
    return made.invoke("matcher", event | {"time": minute})


def ended_within(seconds, ended):
    """Wait until something has ended; fail when it does not in time."""
    until = time.monotonic() + seconds
    while not ended():
        assert time.monotonic() < until, "it did not end in time"
        time.sleep(0.02)


def post(made, body, inbox="inbox-a", **changes):
    """Give the inbox function a POST as API Gateway would; give its answer."""
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"] = {"id": made.inbox_ids.get(inbox, inbox)}
    event["body"] = body if isinstance(body, str) else base64.b64encode(body).decode()
    event["isBase64Encoded"] = isinstance(body, bytes)
    return made.invoke("inbox", event | changes)


def pytest_terminal_summary(terminalreporter):
    """Say how many faults were tried, wherever that was counted."""
    reports = [
        each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])
    ]
    counts = [dict(each.user_properties).get(FAULTS_TRIED) for each in reports]
    if any(counts):
        terminalreporter.write_line(f"faults tried: {sum(filter(None, counts))}")


@pytest.fixture(scope="session")
def postgresql_uri():
    """The address of a PostgreSQL server that runs as long as the tests."""
    with postgresql.running() as uri:
        yield uri


@pytest.fixture
def logged():
    return Lines()


@pytest.fixture
def made(logged):
    """The example project's stack; nothing moves in its queues until `settle`."""
    with stack.created(ROOT / "project", lambda *each: logged.append(each)) as created:
        yield created


@pytest.fixture
def urls(made):
    """The inboxes' URLs."""
    with made.serving() as served:
        yield served


@pytest.fixture
def sink(made):
    """A destination that the example project's credential leads to."""
    with destination.running() as running:
        made.set_credential("registry", {"baseUrl": running.url})
        yield running
