"""Runs in workers: progress, resuming, side by side, and workers that are used again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from openfn import ids
from openfn.errors import JobError, Verdict
from openfn.history import details
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.workers import environment, executors
from tests.conftest import ROOT, LogLines, post, write_project
from tests.support.sqs import failed_ids, sqs_event
from workbench.local.stack import create_stack

PROJECT = """
triggers: {all: {inclusion: {}}}
credentials: {destination: {adaptor: http}}
jobs:
  allocates: {trigger: all, expression: jobs/allocates.py}
  posts: {trigger: all, credential: destination, expression: jobs/posts.py}
  remembers: {trigger: all, expression: jobs/remembers.py}
  crashes: {trigger: all, expression: jobs/crashes.py}
  waits: {trigger: all, expression: jobs/waits.py}
  orphans: {trigger: all, expression: jobs/orphans.py}
  worker: {trigger: all, expression: jobs/worker.py}
  children: {trigger: all, expression: jobs/children.py}
  grows: {trigger: all, expression: jobs/grows.py}
  ends-large: {trigger: all, expression: jobs/ends_large.py}
  configures-loggers: {trigger: all, expression: jobs/configures_loggers.py}
"""
JOBS = {
    "memory": "patients = []\n",
    "remembers": """
import memory, os
from adaptors.common import fn

def remember(state):
    memory.patients.append(state["data"]["name"])
    os.chdir("/")
    os.environ["LEFT"] = "behind"
    return {**state, "seen": memory.patients}

fn(remember)
""",
    "crashes": """
import os
from adaptors.common import fn

fn(lambda state: {**state, "n": 1})
fn(lambda state: {**state, "n": 2})
fn(lambda state: state if state["data"].get("fine") else os._exit(7))
""",
    "allocates": """
import time
from adaptors.common import fn

def allocate(state):
    print("begins")
    data = b"x" * (200 << 20)
    time.sleep(0.4)
    return {**state, "size": len(data)}

fn(allocate)
""",
    "children": """
import subprocess, sys
from adaptors.common import fn

ALLOCATE = "import time; data = b'x' * (220 << 20); time.sleep(60)"

def start(state):
    command = [sys.executable, "-S", "-c", ALLOCATE]
    children = [subprocess.Popen(command) for _ in range(2)]
    return {**state, "statuses": [child.wait() for child in children]}

fn(lambda state: state)
fn(start)
""",
    "grows": """
from adaptors.common import fn

fn(lambda state: {**state, "text": "x" * (50 << 20)})
fn(lambda state: {**state, "text": ""})
""",
    "ends_large": """
from adaptors.common import fn

fn(lambda state: {**state, "text": "x" * (50 << 20)})
""",
    "configures_loggers": """
import logging, os, sys
from adaptors.common import fn

def configure(state):
    names = ("requests", "of-the-job")
    for logger in map(logging.getLogger, names):
        logger.warning("before")
        logger.setLevel(logging.CRITICAL)
        logger.addHandler(logging.StreamHandler(sys.stdout))
        logger.addFilter(lambda record: False)
        logger.propagate, logger.disabled = False, True
        logger.critical("after")
    logging.root.handlers[0].setLevel(logging.ERROR)
    return {**state, "pid": os.getpid()}

fn(configure)
""",
    "waits": """
import time
from adaptors.common import fn

fn(lambda state: time.sleep(0.5) or state)
""",
    "orphans": """
import subprocess
from adaptors.common import fn

fn(lambda state: {**state, "child": subprocess.Popen(["sleep", "100"]).pid})
""",
    "posts": """
import os
from adaptors.common import fn
from adaptors.http import post

post("records", {"name": "Amina"})
fn(lambda state: {**state, "pid": os.getpid()})
""",
    "worker": """
import os
from adaptors.common import fn

fn(lambda state: {**state, "pid": os.getpid(), "parent": os.getppid()})
fn(lambda state: {**state, "folder": os.getcwd(), "left": os.environ.get("LEFT")})
""",
}


class KeepAlive(BaseHTTPRequestHandler):
    """Answers requests with the port of their connection, which stays open."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"port": self.client_address[1]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Log nothing."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    write_project(folder, PROJECT, JOBS)
    with create_stack(folder, LogLines().record, workers=True) as stack:
        yield stack


def create(stack, job, body="{}"):
    message_id = post(stack, body)["headers"]["X-Message-Id"]
    runs.create([Plan(message_id, job, "all")], "version")
    return ids.run_id(message_id, job)


def execute(stack, *run_ids):
    """Execute runs in one batch; return their records."""
    assert failed_ids(stack.invoke("runner", sqs_event("run_id", *run_ids))) == []
    return [details.run(run_id) for run_id in run_ids]


def test_helper_modules_are_loaded_anew_for_each_run(stack):
    bodies = [json.dumps({"name": name}) for name in ("Amina", "Kofi", "Zainab")]
    run_ids = [create(stack, "remembers", body) for body in bodies]
    one, *both = [execute(stack, run_ids[0])[0], *execute(stack, *run_ids[1:])]
    assert one.final["seen"] == ["Amina"]
    assert [run.final["seen"] for run in both] == [["Kofi"], ["Zainab"]]


def test_worker_is_used_again_as_it_was_before_the_run(stack):
    (first,) = execute(stack, create(stack, "worker"))
    execute(stack, create(stack, "remembers", '{"name": "Amina"}'))
    (second,) = execute(stack, create(stack, "worker"))
    assert second.final["pid"] == first.final["pid"]
    assert (second.final["folder"], second.final["left"]) == (first.final["folder"], None)


def test_worker_forgets_how_a_run_configured_loggers(stack):
    one, two = [execute(stack, create(stack, "configures-loggers"))[0] for _ in range(2)]
    assert one.final["pid"] == two.final["pid"]
    assert one.log == two.log == "WARNING requests: before\nWARNING of-the-job: before\n"


def test_worker_keeps_its_connection_for_the_next_runs(stack):
    with ThreadingHTTPServer(("127.0.0.1", 0), KeepAlive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.set_credential("destination", {"baseUrl": f"http://127.0.0.1:{server.server_port}"})
        states = [execute(stack, create(stack, "posts"))[0].final for _ in range(3)]
        server.shutdown()
    # The port of the client's side is that of the connection.
    assert len({(state["pid"], state["data"]["port"]) for state in states}) == 1


def test_run_whose_worker_dies_resumes_at_the_operation_that_killed_it(stack):
    run_id = create(stack, "crashes")
    (record,) = execute(stack, run_id)
    assert (record.status, record.error["type"], record.attempt) == ("failed", "Crashed", 1)
    assert record.error["line"] == 7
    resume = runs.load(run_id)
    assert resume.resume_at[0] == 2
    assert json.loads(resume.read("resume"))["n"] == 2


def test_runs_of_a_batch_wait_side_by_side(stack):
    run_ids = [create(stack, "waits") for _ in range(4)]
    execute(stack, *run_ids)  # starts the workers
    run_ids = [create(stack, "waits") for _ in range(4)]
    began = time.monotonic()
    records = execute(stack, *run_ids)
    assert [record.status for record in records] == ["succeeded"] * 4
    assert time.monotonic() - began < 1.9


def test_children_that_a_job_leaves_are_killed_and_its_worker_replaced(stack):
    (record,) = execute(stack, create(stack, "orphans"))
    assert record.status == "succeeded"
    with pytest.raises(ProcessLookupError):
        os.kill(record.final["child"], 0)


def test_largest_worker_is_killed_when_memory_runs_out_and_its_run_continues_alone(stack):
    records = execute(stack, *[create(stack, "allocates") for _ in range(2)])
    assert [(record.error, record.attempt) for record in records] == [(None, 1)] * 2
    begins = sorted(record.log.count("begins") for record in records)
    assert begins == [1, 2]


def test_run_whose_children_need_more_memory_than_there_is_fails(stack):
    record, other = execute(stack, create(stack, "children"), create(stack, "worker"))
    assert (record.error["type"], record.error["line"]) == ("MemoryError", 13)
    assert "needed more than 382 MB" in record.error["message"]
    assert "RunMemory" in record.error["message"]
    assert other.status == "succeeded"


@pytest.mark.parametrize(("job", "place"), [("grows", ("fn", 4)), ("ends-large", ("ending", 0))])
def test_state_that_is_too_large_for_the_runner_is_an_error_of_the_job(stack, job, place):
    (record,) = execute(stack, create(stack, job))
    assert record.error["type"] == "StateTooLarge"
    assert "has 50 MB as JSON, and at most 48 MB can" in record.error["message"]
    assert (record.error["operation"], record.error["line"]) == place


@pytest.mark.usefixtures("stack")
def test_workers_that_were_ended_are_not_started_again_by_a_late_run():
    pool = executors.create(ROOT / "functions/runner/worker.py", environment.project_folder())
    limits = (10, time.monotonic() + 10, SimpleNamespace(on_output=len))
    with pool.session(None, *limits):
        pool.close()
    with pytest.raises(JobError) as caught, pool.session(None, *limits):
        pytest.fail("a worker was started")
    assert (caught.value.type, caught.value.verdict) == ("Interrupted", Verdict.RETRYABLE)


def test_runs_go_on_after_the_zygote_was_killed(stack):
    (before,) = execute(stack, create(stack, "worker"))
    os.kill(before.final["parent"], signal.SIGKILL)
    # Until the kill reaches it, a worker of the old zygote may still serve a run.
    for _ in range(50):
        (after,) = execute(stack, create(stack, "worker"))
        assert after.status == "succeeded"
        if after.final["parent"] != before.final["parent"]:
            return
    pytest.fail("no new zygote was started")
