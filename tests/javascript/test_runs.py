"""Runs of JavaScript jobs: they are claimed, retried, resumed, logged and stopped as in Python."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from openfn import ids
from openfn.errors import Verdict
from openfn.history import details
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import table
from tests.conftest import LogLines, post, write_project
from tests.support.fake_destination import FakeDestination
from tests.support.sqs import failed_ids, sqs_event
from workbench.local import lambda_functions
from workbench.local.stack import create_stack

PROJECT = """
triggers: {all: {inclusion: {}}}
credentials: {system: {adaptor: http}}
jobs:
  delivers: {trigger: all, credential: system, expression: jobs/delivers.js}
  hostile: {trigger: all, expression: jobs/hostile.js}
  emits: {trigger: all, expression: jobs/emits.js}
  empty: {trigger: all, expression: jobs/empty.js}
"""
JOBS = {
    "delivers.js": """
        const village = state.data.village;
        post("first", { name: dataValue("name"), village });
        fn(state => {
          console.log("password", state.configuration.password);
          return { ...state, n: (state.n ?? 0) + 1 };
        });

        post("second",
          state => ({ n: state.n, village }));
    """,
    "hostile.js": """
        fn(state => {
          const tricks = {
            loops: () => { while (true) {} },
            allocates: () => { const all = []; for (;;) all.push(new Array(1e5).fill(1.5)); },
            recurses: () => (function deeper() { deeper(); })(),
            rejects: () => { (async () => { throw new Error("nobody awaits this"); })(); },
            throws: () => { throw 7; },
            pollutes: () => { Object.prototype.toJSON = () => 7; },
            grows: () => { state.text = "x".repeat(10_000_000); },
          };
          tricks[state.data.trick]?.();
          return state;
        });
    """,
    "empty.js": "// nothing yet",
    "emits.js": 'emit("inbox-a", $.data); emit("inbox-a", { skip: 1 });',
}


SECONDS = 2


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("javascript")
    write_project(folder, PROJECT, JOBS)
    with create_stack(folder, LogLines().record, workers=True) as stack:
        yield stack


def execute(stack, job, data):
    """Execute a run of a job on a message; return its record."""
    message_id = post(stack, json.dumps(data))["headers"]["X-Message-Id"]
    runs.create([Plan(message_id, job, "all")], "version")
    return again(stack, ids.run_id(message_id, job))


def again(stack, run_id):
    """Execute a run once more within some seconds; return its record."""
    hurried = replace(stack.resources.functions["runner"], timeout_seconds=SECONDS + 5)
    event = sqs_event("run_id", run_id)
    assert failed_ids(lambda_functions.invoke(hurried, event, stack.on_log_line)) == []
    return details.run(run_id)


def test_failed_run_resumes_at_the_failed_operation(stack):
    destination = FakeDestination()
    destination.statuses = {"/second": [503, 200]}
    with destination.running():
        stack.set_credential(
            "system", {"baseUrl": destination.url, "username": "amina", "password": "hunter22"}
        )
        run = execute(stack, "delivers", {"name": "Amina", "village": "Kolo"})
        assert (run.status, run.error["verdict"]) == ("waiting", Verdict.RETRYABLE), run.error
        assert (run.error["operation"], run.error["line"]) == ("post", 9)
        assert "password ***" in run.log
        changes = {"due": 1, "attention_at": table.timestamp(1)}
        table.update(ids.key_of(run.id), changes, "#status = :waiting", waiting="waiting")
        run = again(stack, run.id)
        assert run.status == "succeeded"
    assert destination.received[0] == ("/first", {"name": "Amina", "village": "Kolo"})
    assert destination.received[1:] == [("/second", {"n": 1, "village": "Kolo"})] * 2


@pytest.mark.parametrize(
    ("trick", "error", "text"),
    [
        ("recurses", "RangeError", "Maximum call stack size exceeded"),
        ("rejects", "Error", "nobody awaits this"),
        ("throws", "Error", "The job threw 7."),
        ("pollutes", "TypeError", "The state cannot be written as JSON: it has a method `toJSON`"),
        ("allocates", "MemoryError", "The job needed more than"),
        ("loops", "TimedOut", "The job was stopped at the time limit of a run."),
    ],
)
def test_hostile_job_ends_within_its_limits_and_the_next_run_is_clean(stack, trick, error, text):
    run = execute(stack, "hostile", {"trick": trick})
    assert (run.error["type"], text in run.error["message"]) == (error, True), run.error
    clean = execute(stack, "hostile", {"trick": "none"})
    assert (clean.status, clean.final["data"]) == ("succeeded", {"trick": "none"})


def test_state_of_ten_megabytes_is_stored(stack):
    run = execute(stack, "hostile", {"trick": "grows"})
    assert (run.status, len(run.final["text"])) == ("succeeded", 10_000_000)


def test_emitted_messages_go_to_their_inbox(stack):
    run = execute(stack, "emits", {"a": 1})
    assert run.status == "succeeded"
    emitted = [
        details.message(message_id).message for message_id in details.emitted_messages(run.id)
    ]
    assert [(message.inbox, json.loads(message.body)) for message in emitted] == [
        ("inbox-a", {"a": 1}),
        ("inbox-a", {"skip": 1}),
    ]


def test_job_without_operations_passes_the_state_on(stack):
    run = execute(stack, "empty", {"a": 1})
    assert (run.status, run.final["data"]) == ("succeeded", {"a": 1})
