"""Each role allows what its function calls, on its own resources, and nothing else."""

from __future__ import annotations

import json
import random
from textwrap import dedent

import pytest

from openfn import ids
from openfn.runs.dispatch import PAGE_RUNS
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from tests.adaptors.oauth2_server import OAuth2Server
from tests.conftest import post, tick
from tests.security import aws_calls, iam_simulator
from tests.support.fake_destination import FakeDestination
from tests.support.moto_stack import create_stack
from tests.support.stack_client import without_queue
from tests.support.wsgi_server import serve
from workbench.local import event_source, resources

PROJECT = f"""
    name: test
    inboxes:
      inbox-a: {{id_sha256: "{"0" * 64}"}}
      guarded: {{id_sha256: "{"1" * 64}", auth: [{{api_key: key}}]}}
      fleeting: {{id_sha256: "{"2" * 64}", keep: none, dedupe: kind}}
    triggers:
      plain: {{inbox: inbox-a, inclusion: {{kind: plain}}}}
      large: {{inbox: inbox-a, inclusion: {{kind: large}}}}
      unavailable: {{inbox: inbox-a, inclusion: {{kind: unavailable}}}}
      fleeting: {{inbox: fleeting, inclusion: {{}}}}
      renewed: {{inbox: inbox-a, inclusion: {{kind: renewed}}}}
      ordered: {{inbox: guarded, inclusion: {{}}, order_by: kind}}
      clock: {{cron: "* * * * *"}}
      after: {{success: plain}}
      after-failure: {{failure: fails}}
    credentials:
      remote: {{adaptor: http}}
      renewed: {{adaptor: http, refresh: true}}
    jobs:
      plain: {{trigger: plain, expression: jobs/plain.py}}
      fails: {{trigger: plain, expression: jobs/fails.py}}
      large: {{trigger: large, expression: jobs/large.py}}
      unavailable: {{trigger: unavailable, credential: remote, expression: jobs/deliver.py}}
      renewed: {{trigger: renewed, credential: renewed, expression: jobs/fetch.py}}
      waits: {{trigger: ordered, credential: remote, expression: jobs/deliver.py}}
      fleeting: {{trigger: fleeting, expression: jobs/large.py}}
      clock: {{trigger: clock, expression: jobs/large.py}}
      after: {{trigger: after, expression: jobs/plain.py}}
      after-failure: {{trigger: after-failure, expression: jobs/plain.py}}
"""
# Random noise does not compress, so bodies, states, logs and emitted messages go to the bucket.
JOBS = {
    "plain": "from adaptors.common import fn\nfn(lambda state: state)\n",
    "fails": "from adaptors.common import fn\nfn(lambda state: 1 / 0)\n",
    "fetch": "from adaptors.http import get\nget('things')\n",
    "deliver": "from adaptors.http import post\npost('records', {'a': 1})\n",
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
def permissions(tmp_path_factory):
    """The granted statements by function, and the permissions that traffic of all kinds used."""
    project = tmp_path_factory.mktemp("project")
    (project / "project.yaml").write_text(dedent(PROJECT), "utf-8")
    (project / "jobs").mkdir()
    for name, code in JOBS.items():
        (project / f"jobs/{name}.py").write_text(dedent(code), "utf-8")
    with create_stack(project) as created, aws_calls.recorded_permissions() as used:
        created.set_inbox_secret("key", {"key": "k" * 20})
        _create_due_runs()
        _send_traffic(created)
        used_permissions = frozenset(used | aws_calls.lambda_permissions(created))
        return aws_calls.role_statements(created.resources), used_permissions


def _create_due_runs():
    """Create so many due runs that the tick looks at the length of the run queue."""
    item = {"status": "waiting", "attempt": 1, "kind": "message", "job": "gone", "trigger": "gone"}
    item |= {"expires": 1, **attention.mark(Attention.WAITING, 1.0)}
    run_ids = [f"{ids.new_message_id()}#gone" for _ in range(PAGE_RUNS)]
    table.put_groups([[{**ids.key_of(run_id), **item}] for run_id in run_ids])


def _send_traffic(stack):
    _post_all_kinds(stack)
    _fail_queues(stack)
    _fail_destination(stack)
    _renew_tokens(stack)
    for minute in range(3):  # the tenth minute runs the reconciliation
        tick(stack, f"2026-03-09T10:{minute + 9:02}:00Z")
        stack.drain()


def _post_all_kinds(stack):
    for kind in ("plain", "large", "unmatched"):
        post(stack, _body(kind))
    post(stack, "neither JSON nor XML")
    for _ in range(2):
        post(stack, _body("once", noise=random.Random(2).randbytes(400_000).hex()), "fleeting")
    stack.drain()


def _fail_queues(stack):
    with without_queue(stack, "MATCH_QUEUE_URL"):
        post(stack, _body("plain"))
    tick(stack, "2026-03-09T10:00:00Z")
    (matcher,) = [mapping for mapping in stack.resources.mappings if mapping.function == "matcher"]
    with without_queue(stack, "RUN_QUEUE_URL"):
        event_source.poll(matcher, stack.invoke)
    tick(stack, "2026-03-09T10:01:00Z")
    stack.drain()


def _fail_destination(stack):
    remote = FakeDestination()
    remote.statuses["/records"] = [503] * 6
    with remote.running():
        stack.set_credential("remote", {"baseUrl": remote.url})
        for _ in range(5):
            post(stack, _body("unavailable"))
        headers = {"x-api-key": "k" * 20, "content-type": "application/json"}
        post(stack, _body("patient 7"), "guarded", headers=headers)
        stack.drain()


def _renew_tokens(stack):
    server = OAuth2Server()
    with serve(server) as serving:
        keys = {"grant_type": "refresh_token", "client_id": "app"}
        keys |= {"tokenUrl": f"{serving.url}/token", "refresh_token": server.refresh_token}
        stack.set_credential("renewed", {"baseUrl": serving.url, "oauth2": keys})
        post(stack, _body("renewed"))
        stack.drain()
    assert len(server.forms) == 1


def _body(kind, **more):
    return json.dumps({"kind": kind, **more})


def test_every_call_of_a_function_is_allowed_by_its_role(permissions):
    statements, used = permissions
    assert len(used) > 40
    denied = [
        (function, action, resource)
        for function, action, resource in used
        if not iam_simulator.allows(statements[function], action, resource)
    ]
    assert denied == []


def test_no_role_allows_a_call_that_its_function_never_makes(permissions):
    statements, used = permissions
    unused = [
        (function, action, resource)
        for function, role_statements in statements.items()
        for action, resource in iam_simulator.grants(role_statements)
        if not any(
            caller == function
            and iam_simulator.matches(action, called_action, ignore_case=True)
            and iam_simulator.matches(resource, called_resource)
            for caller, called_action, called_resource in used
        )
    ]
    assert unused == []


def test_no_role_allows_access_to_resources_of_another_function(permissions):
    statements, used = permissions
    shared = {
        (function, action, resource)
        for owner, action, resource in used
        for function in statements
        if function != owner and action.startswith(("secretsmanager:", "logs:", "sqs:Receive"))
        if iam_simulator.allows(statements[function], action, resource)
    }
    assert shared == set()


def test_runner_may_write_no_secret_without_the_tag_of_refresh_tokens(permissions):
    statements, used = permissions
    action = "secretsmanager:PutSecretValue"
    written = {resource for _, called, resource in used if called == action}
    assert written
    for secret in written:
        assert iam_simulator.allows(statements["runner"], action, secret)
        untagged = secret.removesuffix("/tagged")
        assert not iam_simulator.allows(statements["runner"], action, untagged)


def test_every_role_allows_the_customer_managed_key_and_tracing_if_configured():
    key = "arn:aws:kms:eu-west-1:123456789012:key/5f1d2c3b-0000-4000-8000-1a2b3c4d5e6f"
    # The actions that DynamoDB requires of whoever uses a table with a key of its own:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    actions = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom")
    expected = {**{f"kms:{action}": key for action in actions}, "xray:PutTraceSegments": "*"}
    with resources.create({"KmsKeyArn": key, "Tracing": "Active"}) as stack_resources:
        for statements in aws_calls.role_statements(stack_resources).values():
            for action, resource in expected.items():
                assert iam_simulator.allows(statements, action, resource)
            other_key = key.replace("5f1d", "5f1e")
            assert not iam_simulator.allows(statements, "kms:Decrypt", other_key)


def test_only_lambda_may_attach_the_runner_to_a_vpc_and_no_job():
    network = {"SubnetIds": "subnet-0a1b", "SecurityGroupIds": "sg-0a1b"}
    with resources.create(network) as stack_resources:
        roles = aws_calls.role_statements(stack_resources)
    effects = {
        function: [
            (statement["Effect"], statement.get("Condition"))
            for statement in statements
            if "ec2:" in str(statement["Action"])
        ]
        for function, statements in roles.items()
    }
    functions = "arn:aws:lambda:eu-west-1:123456789012:function:*"
    condition = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    assert effects["runner"] == [("Allow", None), ("Deny", condition)]
    assert effects["inbox"] == effects["matcher"] == []
