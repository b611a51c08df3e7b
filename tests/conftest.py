"""Fixtures and helpers of all tests: embedded stacks, log lines and destinations."""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, settings

from tests.support import chromium, postgresql
from workbench.local import lambda_functions
from workbench.local.destination import run_destination
from workbench.local.log_view import parse_log_line
from workbench.local.stack import create_in_memory, create_stack

ROOT = Path(__file__).resolve().parents[1]
FAULTS_TRIED = "faults tried"
"""The property in which a test records its number of faults, for the summary."""


# `make torture` chooses this profile.
settings.register_profile(
    "torture", max_examples=300, deadline=None, suppress_health_check=list(HealthCheck)
)


def pytest_addoption(parser):
    parser.addoption("--fault-seed", type=int, help="vary the scenarios of tests/faults")


@pytest.fixture(scope="session")
def fault_seed(request):
    """The seed that varies scenarios with faults; None without `--fault-seed`."""
    return request.config.getoption("--fault-seed")


class LogLines(list):
    """The lines that functions logged: `(function, line)`."""

    def record(self, function, line):
        self.append((function, line))

    def events(self, message):
        """Return the structured lines with a message."""
        events = [parse_log_line(line) or {} for _, line in self]
        return [event for event in events if event.get("message") == message]


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
def create_resources(request):
    """What creates a stack's resources: moto for tests that are marked so, else the local store."""
    if not request.node.get_closest_marker("moto"):
        return create_in_memory
    from workbench.local import resources  # noqa: PLC0415 - moto takes a second to import

    return resources.create


@pytest.fixture
def create_job_stack(tmp_path, log_lines, create_resources):
    """Create the stack of a project with one job, `job-a`, which runs for every message."""
    with ExitStack() as context:

        def create(code, credential=None, inclusion="{}", options=""):
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
            return context.enter_context(
                create_stack(tmp_path, log_lines.record, create_resources=create_resources)
            )

        yield create


@pytest.fixture
def create_project_stack(tmp_path, log_lines, create_resources):
    """Create the stack of a project from its project.yaml and the code of its jobs by name."""
    with ExitStack() as context:

        def create(text, **jobs):
            write_project(tmp_path, text, jobs)
            return context.enter_context(
                create_stack(tmp_path, log_lines.record, create_resources=create_resources)
            )

        yield create


def write_project(folder, text, jobs):
    """Write project.yaml, with an inbox if it has none, and the code of the jobs."""
    (folder / "jobs").mkdir()
    for name, code in jobs.items():
        file = name if name.endswith(".js") else f"{name}.py"
        (folder / "jobs" / file).write_text(dedent(code), "utf-8")
    inboxes = f'inboxes: {{inbox-a: {{id_sha256: "{"0" * 64}"}}}}\n'
    prefix = "" if "inboxes:" in text else inboxes
    (folder / "project.yaml").write_text(f"name: test\n{prefix}{dedent(text)}", "utf-8")


def tick(stack, minute):
    """Invoke the matcher with the scheduled event of a minute."""
    event = json.loads((ROOT / "events/lambda/schedule_tick.json").read_text("utf-8"))
    return stack.invoke("matcher", event | {"time": minute})


def hurried_tick(stack, minute=None):
    """Invoke the matcher with a tick that has no time left: each part does one piece of work."""
    event = json.loads((ROOT / "events/lambda/schedule_tick.json").read_text("utf-8"))
    function = replace(stack.resources.functions["matcher"], timeout_seconds=1)
    minute = minute or datetime.now(UTC).isoformat()
    return lambda_functions.invoke(function, event | {"time": minute}, stack.on_log_line)


def wait_until(condition, seconds):
    """Wait until a condition is true; fail after a timeout."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def post(stack, body, inbox="inbox-a", **changes):
    """Invoke the inbox with a POST as API Gateway sends it; return the response."""
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"] = {"id": stack.inbox_ids.get(inbox, inbox)}
    event["body"] = body if isinstance(body, str) else base64.b64encode(body).decode()
    event["isBase64Encoded"] = isinstance(body, bytes)
    return stack.invoke("inbox", event | changes)


def pytest_terminal_summary(terminalreporter):
    """Print the number of faults that the tests injected, and whether a browser was missing."""
    if any(
        chromium.MISSING in str(report.longrepr)
        for report in terminalreporter.getreports("skipped")
    ):
        terminalreporter.write_line(chromium.MISSING, yellow=True)
    reports = [
        report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])
    ]
    counts = [dict(report.user_properties).get(FAULTS_TRIED) for report in reports]
    if any(counts):
        terminalreporter.write_line(f"faults tried: {sum(filter(None, counts))}")


@pytest.fixture(scope="session")
def postgresql_uri():
    """The URI of a PostgreSQL server that runs as long as the tests."""
    with postgresql.running() as uri:
        yield uri


@pytest.fixture
def log_lines():
    return LogLines()


@pytest.fixture
def stack(log_lines, create_resources):
    """The example project's stack; its queues are processed only by `drain` or `running`."""
    with create_stack(
        ROOT / "project", log_lines.record, create_resources=create_resources
    ) as stack:
        yield stack


@pytest.fixture
def urls(stack):
    """The inboxes' URLs."""
    with stack.serving() as urls:
        yield urls


@pytest.fixture
def destination(stack):
    """The destination of the example project's credential."""
    with run_destination() as destination:
        stack.set_credential("registry", {"baseUrl": destination.url})
        yield destination
