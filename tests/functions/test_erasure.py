"""`keep: none` erases body, states and logs once all runs have succeeded."""

from __future__ import annotations

import json
import random

import pytest
from botocore.exceptions import EndpointConnectionError

from openfn import ids
from openfn.errors import NotClaimed, NotFound
from openfn.history import details
from openfn.jobs import initial_state
from openfn.log_events import LogEvent
from openfn.runs import outcomes, replay
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import table
from tests.conftest import post
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.sqs import failed_ids, sqs_event
from tests.support.stored_messages import everything
from workbench.local import event_source

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
UNAVAILABLE_ONCE = """
from adaptors.common import fn

class Unavailable(Exception):
    verdict = "remote-for-now"

tries = __import__("pathlib").Path(__file__).with_suffix(".tries")

def fail_once(state):
    if not tries.exists():
        raise Unavailable(tries.write_text("1") and f"no {state['data']['name']}")
    return state

fn(lambda state: {**state, "first": True})
fn(fail_once)
"""


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=FINE, b=FAILS)


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
        initial_state.load(runs.load(plan.id))


def test_what_earlier_attempts_and_the_query_string_quote_is_erased(create_project_stack):
    stack = create_project_stack(PROJECT, a=UNAVAILABLE_ONCE, b=FAILS)
    body = {"name": "Amina", "fail": False, "noise": random.Random(1).randbytes(200_000).hex()}
    message_id = post(stack, json.dumps(body), rawQueryString="mother=Zainab")
    run_id = ids.run_id(message_id["headers"]["X-Message-Id"], "job-a")
    stack.drain()
    assert details.run(run_id).status == "waiting"
    assert "Zainab" in everything(stack)
    table.update(ids.key_of(run_id), {"due": 1, "attention_at": table.timestamp(1)})
    stack.tick()
    stack.drain()
    assert details.run(run_id).status == "succeeded"
    (attempt,) = details.attempts(run_id)
    assert (attempt.error["type"], attempt.error["line"]) == ("Unavailable", 11)
    assert [name for name in ("Amina", "Zainab") if name in everything(stack)] == []
    assert [key for key in object_keys(stack) if run_id[:36] in key] == []


@pytest.mark.parametrize("order", ["", ", order_by: fail"])
def test_record_that_is_posted_again_after_its_erasure_is_done(
    create_project_stack, log_lines, order
):
    project = PROJECT.replace("keep: none", "keep: none, dedupe: name")
    project = project.replace("inclusion: {}", f"inclusion: {{}}{order}")
    stack = create_project_stack(project, a=FINE, b=FAILS)
    record = {"name": "Amina", "fail": False}
    first, again = (post_and_drain(stack, record)["X-Message-Id"] for _ in range(2))
    assert again == first
    assert failed_ids(stack.invoke("matcher", sqs_event("message_id", first))) == []
    post_and_drain(stack, {"name": "Joseph", "fail": False})
    assert statuses(first) == ["succeeded"] * 3
    # Nothing is matched or executed for the second post.
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 6
    assert log_lines.events(LogEvent.MESSAGE_NOT_MATCHED) == []
    assert log_lines.events(LogEvent.MESSAGE_UNMATCHED) == []


def post_and_drain(stack, record):
    """Post a record and return the headers of the response once the queues are empty."""
    response = post(stack, json.dumps(record))
    assert response["statusCode"] == 200
    stack.drain()
    return response["headers"]


def matched(stack, **changes):
    """Post a record, create its runs, and return the message id."""
    record = {"name": "Amina Kofi", "fail": False, **changes}
    message_id = post(stack, json.dumps(record))["headers"]["X-Message-Id"]
    (matcher,) = [item for item in stack.resources.mappings if item.function == "matcher"]
    event_source.poll(matcher, stack.invoke)
    return message_id


def execute(stack, run_id):
    """Deliver the id of a run to a runner."""
    assert failed_ids(stack.invoke("runner", sqs_event("run_id", run_id))) == []


def record_success(run_id):
    """Record the success of a run whose runner dies before it has published what follows."""
    emitted = json.dumps([[ids.new_message_id(), "inbox-b", '{"name": "emitted", "fail": false}']])
    final = b'{"data": {"name": "Amina Kofi", "fail": false}}'
    outcomes.finish(
        runs.claim(run_id, 60), outcomes.Outcome("", 1, final, emitted=emitted.encode())
    )


def statuses(message_id):
    return [details.run(ids.run_id(message_id, f"job-{name}")).status for name in "abc"]


def test_contents_stay_until_every_run_has_published_what_follows(stack):
    message_id = matched(stack)
    record_success(ids.run_id(message_id, "job-a"))
    execute(stack, ids.run_id(message_id, "job-b"))
    assert "Amina" in everything(stack)
    stack.drain()
    assert statuses(message_id) == ["succeeded"] * 3
    emitted = [row for row in details.newest_messages(9, days=2) if row.message.emitted_by]
    assert [json.loads(row.message.body)["name"] for row in emitted] == ["emitted"]
    assert "Amina" not in everything(stack)


@pytest.mark.parametrize("number", range(4))
def test_of_runs_that_end_at_the_same_moment_the_last_erases(stack, number):
    message_id = matched(stack)
    first, second = (ids.run_id(message_id, name) for name in ("job-a", "job-b"))
    calls = []

    def interrupt(**_):
        calls.append(1)
        if len(calls) == number + 1:
            execute(stack, first)
            execute(stack, ids.run_id(message_id, "job-c"))

    with hook_aws_call("before-call.dynamodb", interrupt):
        execute(stack, second)
    assert len(calls) > number
    assert statuses(message_id) == ["succeeded"] * 3
    assert "Amina" not in everything(stack)


def test_runs_whose_publication_is_not_recorded_are_published_again_before_the_erasure(stack):
    message_id = matched(stack)
    stack.drain()
    first = ids.run_id(message_id, "job-a")
    # As the first release left it: it recorded no publication.
    table.update(ids.key_of(first), {"published": None, "final": b"{}", "erased": None})
    execute(stack, ids.run_id(message_id, "job-b"))
    assert details.run(first).final == {}
    stack.drain()
    assert details.run(first).final is None


def test_run_that_is_replayed_while_its_message_is_erased_finds_its_contents(stack):
    message_id = matched(stack)
    first, second = (ids.run_id(message_id, name) for name in ("job-a", "job-b"))
    execute(stack, first)
    execute(stack, ids.run_id(message_id, "job-c"))

    def interrupt(params, **_):
        if "#erased" in params["UpdateExpression"] and not runs.load(first).was_replayed:
            replay.replay(runs.load(first))

    with hook_aws_call("before-call.dynamodb.UpdateItem", interrupt):
        execute(stack, second)
    execute(stack, first)
    assert details.run(first).status == "succeeded"
    assert "Amina" not in everything(stack)


def object_keys(stack):
    return stack_client.object_keys(stack.resources.physical_ids["Bucket"])


@pytest.mark.parametrize(
    ("start", "status"), [(b'{"name": "Amina", "noise": "', 200), (b'{"name": "', 400)]
)
def test_repeated_body_leaves_no_object_that_no_message_refers_to(
    create_project_stack, start, status
):
    stack = create_project_stack(PROJECT.replace("keep: none", "dedupe: name"), a=FINE, b=FINE)
    noise = random.Random(1).randbytes(400_000).hex().encode()
    body = start + noise + (b'"}' if status == 200 else b"")
    responses = [post(stack, body) for _ in range(3)]
    assert [response["statusCode"] for response in responses] == [status] * 3
    (message_id,) = {response["headers"]["X-Message-Id"] for response in responses}
    assert object_keys(stack) == [f"messages/{message_id}/body"]
    assert details.message(message_id).message.body == body


def test_repeated_body_is_accepted_if_its_object_cannot_be_deleted(create_project_stack):
    stack = create_project_stack(PROJECT.replace("keep: none", "dedupe: name"), a=FINE, b=FINE)
    body = json.dumps({"name": "Amina", "noise": random.Random(1).randbytes(400_000).hex()})
    post(stack, body)

    def fail(**_):
        raise EndpointConnectionError(endpoint_url="https://s3.amazonaws.com")

    with hook_aws_call("before-call.s3.DeleteObject", fail):
        assert post(stack, body)["statusCode"] == 200


def test_run_that_is_delivered_again_does_not_restore_an_erased_message_it_emitted(
    create_project_stack,
):
    noise = random.Random(1).randbytes(400_000).hex()
    emits = f"from adaptors.common import emit\nemit('inbox-a', {{'name': {noise!r}}})\n"
    project = PROJECT.replace("triggers:", "triggers:\n  start: {inbox: inbox-b, inclusion: {}}")
    project = project.replace("all: {", "all: {inbox: inbox-a, ")
    project = project.replace("jobs:", "jobs:\n  emits: {trigger: start, expression: jobs/e.py}")
    stack = create_project_stack(project, a=FINE, b=FINE, e=emits)
    source_id = post(stack, "{}", "inbox-b")["headers"]["X-Message-Id"]
    stack.drain()
    (emitted,) = details.emitted_messages(ids.run_id(source_id, "emits"))
    assert [key for key in object_keys(stack) if emitted in key] == []
    execute(stack, ids.run_id(source_id, "emits"))
    assert [key for key in object_keys(stack) if emitted in key] == []


def test_runner_that_lost_its_claim_leaves_nothing_of_an_erased_message(stack):
    message_id = matched(stack)
    run = runs.claim(ids.run_id(message_id, "job-a"), 60)
    table.update(ids.key_of(run.id), {"lease": 1})
    execute(stack, run.id)
    stack.drain()
    assert statuses(message_id) == ["succeeded"] * 3
    final = json.dumps(random.Random(1).randbytes(200_000).hex()).encode()
    with pytest.raises(NotClaimed):
        outcomes.finish(run, outcomes.Outcome("", 1, final))
    assert object_keys(stack) == []
