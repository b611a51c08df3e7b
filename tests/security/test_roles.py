"""Each function may do what it does, on its own resources, and nothing else."""

from __future__ import annotations

import json
import random
from textwrap import dedent

import pytest

from tests.conftest import post, tick, without_queue
from tests.remote import Remote
from tests.security import aws_calls, iam_simulator
from workbench import poller, resources, stack

PROJECT = f"""
    name: test
    inboxes:
      inbox-a: {{id_sha256: "{"0" * 64}"}}
      guarded: {{id_sha256: "{"1" * 64}", auth: [{{api_key: key}}]}}
      fleeting: {{id_sha256: "{"2" * 64}", keep: none, dedupe: kind}}
    triggers:
      plain: {{inbox: inbox-a, inclusion: {{kind: plain}}}}
      large: {{inbox: inbox-a, inclusion: {{kind: large}}}}
      away: {{inbox: inbox-a, inclusion: {{kind: away}}}}
      fleeting: {{inbox: fleeting, inclusion: {{}}}}
      ordered: {{inbox: guarded, inclusion: {{}}, order_by: kind}}
      clock: {{cron: "* * * * *"}}
      after: {{success: plain}}
      trouble: {{failure: fails}}
    credentials:
      remote: {{adaptor: http}}
    jobs:
      plain: {{trigger: plain, expression: jobs/plain.py}}
      fails: {{trigger: plain, expression: jobs/fails.py}}
      large: {{trigger: large, expression: jobs/large.py}}
      away: {{trigger: away, credential: remote, expression: jobs/away.py}}
      waits: {{trigger: ordered, credential: remote, expression: jobs/away.py}}
      fleeting: {{trigger: fleeting, expression: jobs/large.py}}
      clock: {{trigger: clock, expression: jobs/large.py}}
      after: {{trigger: after, expression: jobs/plain.py}}
      trouble: {{trigger: trouble, expression: jobs/plain.py}}
"""
# What does not compress is kept in the bucket: a body, a state, a log, an emitted message.
JOBS = {
    "plain": "from adaptors.common import fn\nfn(lambda state: state)\n",
    "fails": "from adaptors.common import fn\nfn(lambda state: 1 / 0)\n",
    "away": "from adaptors.http import post\npost('records', {'a': 1})\n",
    "large": """
        import random
        from adaptors.common import emit, fn

        def grow(state):
            noise = random.Random(1).randbytes(400_000).hex()
            print(noise)
            return {**state, "noise": noise}

        fn(grow)
        emit("inbox-a", lambda state: {"kind": "emitted", "noise": state["noise"]})
    """,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The policies of a stack, and what a life with everything in it needed leave for."""
    project = tmp_path_factory.mktemp("project")
    (project / "project.yaml").write_text(dedent(PROJECT), "utf-8")
    (project / "jobs").mkdir()
    for name, code in JOBS.items():
        (project / f"jobs/{name}.py").write_text(dedent(code), "utf-8")
    with stack.created(project) as made, aws_calls.recorded() as found:
        made.set_inbox_secret("key", {"key": "k" * 20})
        _live(made)
        return aws_calls.policies(made.resources), frozenset(found | aws_calls.of_lambda(made))


def _live(made):
    _post_all_kinds(made)
    _let_queues_fail(made)
    _let_destination_fail(made)
    for minute in range(3):  # the tenth minute looks for strays
        tick(made, f"2026-03-09T10:{minute + 9:02}:00Z")
        made.settle()


def _post_all_kinds(made):
    for kind in ("plain", "large", "nobody's"):
        post(made, _body(kind))
    post(made, "neither JSON nor XML")
    for _ in range(2):
        post(made, _body("once", noise=random.Random(2).randbytes(400_000).hex()), "fleeting")
    made.settle()


def _let_queues_fail(made):
    with without_queue(made, "MATCH_QUEUE_URL"):
        post(made, _body("plain"))
    tick(made, "2026-03-09T10:00:00Z")
    (matching,) = [each for each in made.resources.mappings if each.function == "matcher"]
    with without_queue(made, "RUN_QUEUE_URL"):
        poller.poll(matching, made.invoke)
    tick(made, "2026-03-09T10:01:00Z")
    made.settle()


def _let_destination_fail(made):
    remote = Remote()
    remote.answers["/records"] = [503] * 6
    with remote.running():
        made.set_credential("remote", {"baseUrl": remote.url})
        for _ in range(5):
            post(made, _body("away"))
        headers = {"x-api-key": "k" * 20, "content-type": "application/json"}
        post(made, _body("patient 7"), "guarded", headers=headers)
        made.settle()


def _body(kind, **more):
    return json.dumps({"kind": kind, **more})


def test_every_call_that_a_function_makes_is_allowed_by_its_own_role_on_that_resource(world):
    policies, made = world
    assert len(made) > 40
    refused = [each for each in made if not iam_simulator.allows(policies[each[0]], *each[1:])]
    assert refused == []


def test_no_role_allows_what_its_function_never_does(world):
    policies, made = world
    unused = [
        (function, action, resource)
        for function, statements in policies.items()
        for action, resource in iam_simulator.grants(statements)
        if not any(
            who == function
            and iam_simulator.matches(action, called, fold=True)
            and iam_simulator.matches(resource, where)
            for who, called, where in made
        )
    ]
    assert unused == []


def test_no_role_allows_a_call_of_another_on_what_is_not_its_own(world):
    policies, made = world
    taken = {
        (who, action, resource)
        for owner, action, resource in made
        for who in policies
        if who != owner and action.startswith(("secretsmanager:", "logs:", "sqs:Receive"))
        if iam_simulator.allows(policies[who], action, resource)
    }
    assert taken == set()


def test_a_key_of_the_customer_s_own_and_tracing_are_allowed_to_each_function_if_wanted():
    key = "arn:aws:kms:eu-west-1:123456789012:key/5f1d2c3b-0000-4000-8000-1a2b3c4d5e6f"
    wanted = {"kms:Decrypt": key, "kms:GenerateDataKey": key, "xray:PutTraceSegments": "*"}
    with resources.created({"KmsKeyArn": key, "Tracing": "Active"}) as made:
        for statements in aws_calls.policies(made).values():
            for action, resource in wanted.items():
                assert iam_simulator.allows(statements, action, resource)
            assert not iam_simulator.allows(statements, "kms:Decrypt", key.replace("5f1d", "5f1e"))
