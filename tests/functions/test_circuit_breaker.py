"""The circuit breaker: runs wait while their destination fails, except for one probe at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.project import compiled as project
from openfn.runs import circuit_breaker, dispatch
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import aws, table
from openfn.storage.aws import Setting
from tests.conftest import post
from tests.support.fake_destination import FakeDestination

PROJECT = """
triggers:
  all: {{inclusion: {{}}{order}}}
  other: {{inclusion: {{other: true}}}}
  shared: {{inclusion: {{shared: true}}}}
credentials:
  secret-a: {{adaptor: http}}
  secret-b: {{adaptor: http}}
jobs:
  job-a: {{trigger: all, credential: secret-a, expression: jobs/a.py, retry: {retry}}}
  job-b: {{trigger: other, credential: secret-b, expression: jobs/a.py}}
  job-c: {{trigger: shared, credential: secret-a, expression: jobs/a.py}}
"""
DELIVER = """
from adaptors.http import post
post("records", {"n": lambda state: state["data"]["n"]})
"""


@pytest.fixture
def remote():
    with FakeDestination().running() as running:
        yield running


@pytest.fixture
def create_stack(create_project_stack, remote):
    """A stack whose destination is down; retries are due days later."""

    def make(order="", retry="{attempts: 3, up_to: 7d}"):
        remote.default_status = 503
        created = create_project_stack(PROJECT.format(order=order, retry=retry), a=DELIVER)
        created.set_credential("secret-a", {"baseUrl": remote.url})
        created.set_credential("secret-b", {"baseUrl": remote.url})
        return created

    return make


def posted(stack, *numbers, **more):
    """Post messages, drain the queues, and return the ids of the runs."""
    run_ids = []
    for number in numbers:
        response = post(stack, json.dumps({"n": number, **more}))
        run_ids.append(ids.run_id(response["headers"]["X-Message-Id"], "job-a"))
    stack.drain()
    return run_ids


CIRCUIT = {"pk": "credential#secret-a", "sk": "circuit"}


def circuit():
    """Return the item of the circuit; empty if it does not exist."""
    return next(iter(table.get([CIRCUIT])), {})


def probe_time():
    """Let the circuit be half open from now on."""
    changes = {"until": 1, "attention_at": table.timestamp(1)}
    table.update(CIRCUIT, changes, "#state = :open", open="open")


def worked(stack):
    stack.tick()
    stack.drain()


def states(run_ids):
    return [details.run(run_id).status for run_id in run_ids]


def test_circuit_opens_after_five_failures_in_a_row(create_stack, remote, log_lines):
    stack = create_stack()
    run_ids = posted(stack, *range(12))
    assert len(remote.received) == 5
    assert states(run_ids) == ["waiting"] * 12
    assert len(log_lines.events(LogEvent.CIRCUIT_OPEN)) == 1
    assert [runs.load(run_id).tries for run_id in run_ids] == [1] * 5 + [0] * 7


def test_parked_runs_are_released_in_order_after_one_successful_probe(create_stack, remote):
    stack = create_stack()
    run_ids = posted(stack, *range(12))
    for _ in range(3):
        probe_time()
        worked(stack)
    assert [body["n"] for _, body in remote.received[5:]] == [5, 6, 7]
    remote.default_status = 200
    probe_time()
    worked(stack)
    assert [body["n"] for _, body in remote.received[8:]] == [8]
    worked(stack)
    assert [body["n"] for _, body in remote.received[9:]] == [9, 10, 11]
    assert states(run_ids[8:]) == ["succeeded"] * 4


def test_open_circuit_releases_no_run_before_it_is_due(create_stack, remote):
    stack = create_stack()
    posted(stack, *range(8))
    worked(stack)
    worked(stack)
    assert len(remote.received) == 5


def test_failed_probes_double_the_wait(create_stack):
    stack = create_stack()
    posted(stack, *range(12))
    waits = []
    for _ in range(6):
        waits.append(int(circuit()["wait"]))
        probe_time()
        worked(stack)
    assert waits == [60, 120, 240, 480, 900, 900]


def test_parked_runs_keep_all_their_attempts(create_stack, remote):
    stack = create_stack(retry="{attempts: 2, up_to: 7d}")
    run_ids = posted(stack, *range(8))
    probe_time()
    worked(stack)
    assert runs.load(run_ids[5]).tries == 1
    assert details.run(run_ids[5]).status == "waiting"


def test_time_behind_an_open_circuit_does_not_count_for_retries(create_stack, remote):
    stack = create_stack(retry="{attempts: 3, up_to: 1h}")
    run_id = posted(stack, *range(6))[5]
    table.update(ids.key_of(run_id), {"began": 1})  # long ago
    dispatch.queue([runs.load(run_id).plan])
    stack.drain()
    probe_time()
    worked(stack)
    run = runs.load(run_id)
    assert (run.status, run.tries) == ("waiting", 1)
    assert run.began > 1


def test_other_credentials_are_not_affected(create_stack, remote):
    stack = create_stack()
    posted(stack, *range(6))
    response = post(stack, '{"n": 99, "other": true}')
    stack.drain()
    run = details.run(ids.run_id(response["headers"]["X-Message-Id"], "job-b"))
    assert run.attempt == 1
    assert remote.received[-1] == ("/records", {"n": 99})


def test_success_resets_the_failure_count(create_stack, remote):
    stack = create_stack()
    for number in range(4):
        posted(stack, number)
    remote.default_status = 200
    posted(stack, 4)
    remote.default_status = 503
    posted(stack, *range(5, 9))
    assert len(remote.received) == 9
    assert not circuit_breaker.is_open("secret-a")


def test_permanent_refusals_do_not_open_the_circuit(create_stack, remote):
    stack = create_stack()
    remote.default_status = 422
    posted(stack, *range(8))
    assert len(remote.received) == 8
    assert circuit() == {}


def test_ordered_runs_wait_on_the_queue_in_order(create_stack, remote):
    stack = create_stack(order=", order_by: case")
    posted(stack, *range(5), case=None)
    run_ids = posted(stack, 10, 11, 12, case="c")
    assert states(run_ids) == ["waiting", "queued", "queued"]


def test_warm_runner_caches_the_closed_circuit(create_stack, remote):
    stack = create_stack()
    remote.default_status = 200
    posted(stack, 1)
    circuit_breaker._cache["secret-a"] = (circuit_breaker._cache["secret-a"][0] + 3600, {})  # noqa: SLF001
    probe = {"pk": "credential#secret-a", "sk": "circuit"}
    table.update(probe, {"state": "open", "until": 2**31, "wait": 60})
    posted(stack, 2)
    assert [body["n"] for _, body in remote.received] == [1, 2]
    circuit_breaker.clear_cache()
    posted(stack, 3)
    assert [body["n"] for _, body in remote.received] == [1, 2]


def test_max_concurrency_is_the_number_of_groups(create_project_stack):
    text = PROJECT.format(order="", retry="{}")
    create_project_stack(
        text.replace("secret-a: {adaptor: http}", "secret-a: {adaptor: http, max_concurrency: 3}"),
        a=DELIVER,
    )
    plans = [Plan(ids.new_message_id(), "job-a", "all") for _ in range(200)]
    groups = {dispatch.group_of(plan) for plan in plans}
    assert groups == {"secret-a/0", "secret-a/1", "secret-a/2"}
    ordered = [Plan(ids.new_message_id(), "job-a", "all", order="x") for _ in range(9)]
    assert len({dispatch.group_of(plan) for plan in ordered}) == 1
    free = Plan(ids.new_message_id(), "job-b", "other")
    assert dispatch.group_of(free) == free.id
    assert project.current().max_concurrency_of("job-b") is None


def _without(stack, *jobs):
    """Deploy the project without some jobs and their credentials."""
    path = Path(aws.setting(Setting.PROJECT_DIR)) / project.COMPILED
    compiled = json.loads(path.read_text("utf-8"))
    for job in jobs:
        del compiled["jobs"][job]
    path.write_text(json.dumps(compiled), "utf-8")
    project.load.cache_clear()


def test_circuit_of_an_unused_credential_releases_all_runs_and_closes(create_stack, remote):
    stack = create_stack()
    run_ids = posted(stack, *range(12))
    _without(stack, "job-a", "job-c")
    probe_time()
    worked(stack)
    assert states(run_ids[5:]) == ["failed"] * 7
    assert "has no job job-a any more" in details.run(run_ids[5]).error["message"]
    assert len(remote.received) == 5
    assert not circuit_breaker.is_open("secret-a")
    table.update(CIRCUIT, {"until": 1})
    stack.tick()
    assert "attention" not in circuit()


def test_runs_of_a_removed_job_do_not_hold_up_the_probes_of_others(create_stack, remote):
    stack = create_stack()
    posted(stack, *range(8))
    run_ids = posted(stack, 8, 9, shared=True)
    shared = [ids.run_id(ids.source_id_of(run_id), "job-c") for run_id in run_ids]
    _without(stack, "job-a")
    remote.default_status = 200
    probe_time()
    worked(stack)
    worked(stack)
    assert states(shared) == ["succeeded", "succeeded"]
