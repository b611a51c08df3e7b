"""A worker is killed before or after any message of the protocol, and its run ends as planned."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from openfn.history import details
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.workers import environment, executors
from openfn.workers.frames import Decoder
from openfn.workers.pool import WorkerPool
from openfn.workers.worker_process import WorkerProcess
from tests.conftest import ROOT, LogLines, post, write_project
from tests.support.sqs import failed_ids, sqs_event
from workbench.local.destination import run_destination
from workbench.local.stack import create_stack

PROJECT = """
triggers: {all: {inbox: inbox-a, inclusion: {}}}
inboxes: {inbox-a: {id_sha256: "%s"}, next: {id_sha256: "%s"}}
credentials: {registry: {adaptor: http}}
jobs: {delivers: {trigger: all, credential: registry, expression: jobs/delivers.py}}
"""
JOB = """
from adaptors.common import emit
from adaptors.http import put

put(lambda state: "/first/" + state["request"]["query_params"]["n"], lambda state: {"step": 1})
emit("next", lambda state: {"n": state["request"]["query_params"]["n"]})
put(lambda state: "/second/" + state["request"]["query_params"]["n"], lambda state: {"step": 2})
"""
RECORDS = ("1", "2")
PATHS = {f"/{step}/{record}" for record in RECORDS for step in ("first", "second")}


class Deaths:
    """Counts the messages between supervisor and workers, and lets a worker die at one."""

    def __init__(self):
        self.expect(None)

    def expect(self, number, moment="", signal_number=signal.SIGKILL):
        self.expected, self.signal = (number, moment), signal_number
        self.kinds, self.happened, self.lost = [], 0, 1

    def happens(self, moment):
        """Return whether the worker dies at this moment of the current message."""
        happens = (len(self.kinds), moment) == self.expected
        self.happened += happens
        return happens


class DyingWorker(WorkerProcess):
    """A worker that dies before or after the message that `deaths` expects."""

    def __init__(self, zygote, credential, deaths):
        super().__init__(zygote, credential)
        self.deaths = deaths

    def send(self, kind, fields, body=b""):
        self.die("before")
        super().send(kind, fields, body)
        self.die("after")
        self.deaths.kinds.append(kind)

    def next_frame(self, seconds, on_output):
        frame = super().next_frame(seconds, on_output)
        if frame is None:
            return None
        if self.die("before"):  # what it wrote is lost, also while this process was slow
            self._read_results()
            while self._decoder.next_frame():
                self.deaths.lost += 1
            self._decoder, frame = Decoder(), None
        else:
            self.die("after")
        self.deaths.kinds.append("lost" if frame is None else frame.kind)
        return frame

    def die(self, moment):
        happens = self.deaths.happens(moment)
        if happens:
            os.kill(self.pid, self.deaths.signal)
            self._read_status(5)
        return happens


class DyingWorkers(WorkerPool):
    """Workers that die as `deaths` says."""

    deaths = Deaths()

    def _fork(self, credential):
        return DyingWorker(self._zygote, credential, self.deaths)


@pytest.fixture(scope="module")
def deaths():
    return DyingWorkers.deaths


@pytest.fixture(scope="module")
def execute(tmp_path_factory, deaths):
    """Execute two runs of one group; return their records and the paths that were requested."""
    folder = tmp_path_factory.mktemp("deaths")
    write_project(folder, PROJECT % ("0" * 64, "1" * 64), {"delivers": JOB})
    with run_destination() as destination, create_stack(folder, LogLines().record) as stack:
        stack.set_credential("registry", {"baseUrl": destination.url})
        project = environment.project_folder()
        program = ROOT / "functions/runner/worker.py"
        executors.register(project, DyingWorkers(program, project))

        def execute():
            destination.received.clear()
            run_ids = [create_run(stack, record) for record in RECORDS]
            event = sqs_event("run_id", *run_ids, MessageGroupId="group")
            assert failed_ids(stack.invoke("runner", event)) == []
            records = [details.run(run_id) for run_id in run_ids]
            return records, [received.path for received in destination.received]

        yield execute


def create_run(stack, record):
    """Create a run for a new message with a record's number, and return its id."""
    response = post(stack, "{}", queryStringParameters={"n": record}, rawQueryString=f"n={record}")
    plan = Plan(response["headers"]["X-Message-Id"], "delivers", "all")
    runs.create([plan], "version")
    return plan.id


def check(deaths, records, paths, status):
    """Check that nothing is lost, the order is kept, and only what was not known is repeated."""
    assert [record.status for record in records] == status
    assert {record.attempt for record in records} == {1}
    for record in records:
        emitted = len(details.emitted_messages(record.id))
        assert emitted == 1 or (emitted == 0 and record.status == "failed")
    repeated = sum(Counter(paths).values()) - len(set(paths))
    assert repeated <= deaths.lost
    assert deaths.happened == 1
    numbers = [path[-1] for path in paths]
    assert numbers == sorted(numbers)


def faults(deaths, execute):
    """Return the number and the moment of each death that can differ."""
    execute()
    deaths.expect(None)
    execute()
    messages = len(deaths.kinds)
    assert messages > 15, deaths.kinds
    return [(number, moment) for number in range(messages) for moment in ("before", "after")]


def test_run_whose_worker_is_killed_at_any_message_succeeds_in_its_first_attempt(deaths, execute):
    for fault in faults(deaths, execute):
        deaths.expect(*fault)
        records, paths = execute()
        try:
            check(deaths, records, paths, ["succeeded"] * 2)
            assert set(paths) == PATHS
        except AssertionError as error:
            error.add_note(f"{fault}: {deaths.kinds} {paths} {[r.error for r in records]}")
            raise


def test_run_whose_worker_crashes_at_any_message_fails_alone(deaths, execute):
    for fault in faults(deaths, execute)[1::2]:  # after each message
        deaths.expect(*fault, signal.SIGSEGV)
        records, paths = execute()
        errors = [record.error["type"] for record in records if record.error]
        try:
            assert errors in ([], ["Crashed"])
            check(deaths, records, paths, ["failed" if r.error else "succeeded" for r in records])
        except AssertionError as error:
            error.add_note(f"{fault}: {deaths.kinds} {paths} {[r.error for r in records]}")
            raise
