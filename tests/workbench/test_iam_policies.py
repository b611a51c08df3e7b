"""The IAM policies of docs/security.md allow the calls of the commands they are for."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack

import boto3
import pytest
from markdown_it import MarkdownIt

from openfn.storage import boto3_services
from tests.conftest import ROOT, post, write_project
from tests.security import iam_simulator
from tests.security.aws_calls import ACTIONS, TRANSACTION_ACTIONS
from tests.support import aws_responses
from tests.support.call_hooks import hook_aws_call
from tests.support.moto_stack import create_stack
from tests.support.sam_template import RESOURCES
from workbench.local import lambda_functions

pytestmark = pytest.mark.moto

PAGE = (ROOT / "docs/security.md").read_text("utf-8")
CODE_BLOCKS = [token.content for token in MarkdownIt().parse(PAGE) if token.type == "fence"]
VIEW, OPERATE = json.loads(next(block for block in CODE_BLOCKS if "cloudformation:" in block))[
    "Statement"
]
ERASE = json.loads(next(block for block in CODE_BLOCKS if "s3:DeleteObject" in block))
KEY_POLICY = json.loads(next(block for block in CODE_BLOCKS if '"kms:*"' in block))
KEY_VIEW, KEY_OPERATE, KEY_DEPLOY = json.loads(
    next(block for block in CODE_BLOCKS if "kms:CreateGrant" in block)
)["Statement"]
KEY = "arn:aws:kms:REGION:ACCOUNT:key/KEY"
# What services ask of KMS in the name of the caller, if their resource has a key of its own:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
KEY_ACTIONS = {
    "dynamodb:GetItem": ["Decrypt"],
    "s3:GetObject": ["Decrypt"],
    "sqs:ReceiveMessage": ["Decrypt"],
    "dynamodb:PutItem": ["Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey"],
    "dynamodb:UpdateItem": ["Encrypt", "Decrypt", "ReEncryptTo", "GenerateDataKey", "DescribeKey"],
    "sqs:SendMessage": ["Decrypt", "GenerateDataKey"],
}
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
ALWAYS_ALLOWED = {"GetCallerIdentity"}
IAM_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
PROJECT = """
inboxes:
  inbox-a: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
triggers:
  form: {inclusion: {}}
  clock: {cron: "0 1 * * *"}
credentials:
  remote: {adaptor: http}
jobs:
  job-a: {trigger: form, expression: jobs/a.py}
  nightly: {trigger: clock, expression: jobs/night.py}
"""
CODE = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The folder of a deployed project and the id of a run; a dead letter waits for it."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, PROJECT, {"a": CODE, "night": CODE})
    # moto does not know this call.
    settings = aws_responses.responder(aws_responses.account_settings(1_000))
    with create_stack(folder, parameters={"AlarmEmail": "oncall@example.org"}) as stack:
        events = boto3.DEFAULT_SESSION.events
        events.register_first("before-send.lambda.GetAccountSettings", settings)
        stack.set_credential("remote", {"baseUrl": "https://registry.example.org"})
        message_id = post(stack, '{"form": "visit"}')["headers"]["X-Message-Id"]
        post(stack, random.Random(1).randbytes(400_000))  # stored in the bucket
        stack.drain()
        dead = stack.resources.physical_ids["RunDeadLetters"]
        body = json.dumps({"run_id": f"{message_id}#job-a"})
        boto3.client("sqs").send_message(
            QueueUrl=dead, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
        )
        yield folder, f"{message_id}#job-a"


@pytest.fixture
def actions():
    """The IAM actions of all calls that a command makes, without those of functions."""
    recorded = set()

    def record(model, params, **_):
        if lambda_functions.current_function.get():
            return
        service = model.service_model.endpoint_prefix
        prefix = IAM_PREFIXES.get(service, service)
        parts = [kind for item in params.get("TransactItems", []) for kind in item]
        names = [TRANSACTION_ACTIONS[kind] for kind in parts] or [
            ACTIONS.get(model.name, model.name)
        ]
        if model.name not in ALWAYS_ALLOWED:
            recorded.update(f"{prefix}:{name}" for name in names)

    session = boto3.DEFAULT_SESSION or boto3.Session()
    with ExitStack() as context:
        for service in ("dynamodb", "s3", "sqs", "secretsmanager"):
            context.enter_context(hook_aws_call(f"provide-client-params.{service}", record))
        session.events.register("provide-client-params", record)
        context.callback(session.events.unregister, "provide-client-params", record)
        yield recorded
    assert boto3_services.client("sqs")


VIEW_COMMANDS = (
    ("doctor",),
    ("status",),
    ("messages",),
    ("runs", "--state", "failed"),
    ("show", "RUN", "--body"),
    ("logs", "RUN"),
    ("cost",),
    ("match", "--last", "5"),
    ("dead-letters", "list"),
    ("dead-letters", "show", "RUN"),
)
OPERATE_COMMANDS = (
    ("credential", "list"),
    ("replay", "RUN", "--yes"),
    ("run", "nightly", "--wait", "0"),
    ("dead-letters", "redrive", "--yes"),
    ("credential", "set", "remote", "--file", "FILE", "--yes"),
)


def command_name(command):
    return " ".join(command[:2])


def run_command(ofn, stack, command):
    """Run a command with its placeholders replaced, and check that it succeeds."""
    folder, run_id = stack
    file = folder / "remote.json"
    file.write_text('{"baseUrl": "https://registry.example.org"}', "utf-8")
    words = [{"RUN": run_id, "FILE": file}.get(word, word) for word in command]
    ended = ofn(*words, "--project", folder)
    assert ended.status == 0, ended.err


def denied(statements, actions):
    """Return the actions that statements do not allow."""
    return {action for action in actions if not iam_simulator.allows(statements, action, "*")}


@pytest.mark.parametrize("command", VIEW_COMMANDS, ids=command_name)
def test_viewers_may_run_every_command_that_only_reads(ofn, stack, actions, command):
    run_command(ofn, stack, command)
    assert actions
    assert denied([VIEW], actions) == set()


@pytest.mark.parametrize("command", OPERATE_COMMANDS, ids=command_name)
def test_operators_may_run_every_command_that_changes_something(ofn, stack, actions, command):
    run_command(ofn, stack, command)
    assert denied([VIEW, OPERATE], actions) == set()
    assert denied([VIEW], actions) != set()


def test_people_may_use_a_key_of_your_own_for_all_that_they_may_do():
    for statements, key_statements in (
        ([VIEW], [KEY_VIEW]),
        ([OPERATE], [KEY_VIEW, KEY_OPERATE]),
    ):
        allowed = [action for action in KEY_ACTIONS if not denied(statements, [action])]
        assert allowed
        needed = {f"kms:{name}" for action in allowed for name in KEY_ACTIONS[action]}
        refused = {name for name in needed if not iam_simulator.allows(key_statements, name, KEY)}
        assert refused == set()


def test_whoever_deploys_may_let_dynamodb_create_its_grants():
    for action in ("kms:DescribeKey", "kms:CreateGrant"):
        assert iam_simulator.allows([KEY_DEPLOY], action, KEY)


def test_the_key_policy_leaves_the_key_to_the_account_and_to_two_services():
    account, *services = KEY_POLICY
    assert account["Principal"] == {"AWS": "arn:aws:iam::ACCOUNT:root"}
    assert (account["Effect"], account["Action"], account["Resource"]) == ("Allow", "kms:*", "*")
    names = [statement["Principal"]["Service"] for statement in services]
    assert names == ["logs.REGION.amazonaws.com", "cloudwatch.amazonaws.com"]


def test_erasing_needs_one_more_statement(ofn, stack, actions):
    run_command(ofn, stack, ("erase", "--where", "form=none", "--since", "1h", "--dry-run"))
    assert denied([VIEW], actions) == set()
    folder, _ = stack
    listed = ofn("messages", "--state", "unreadable", "--json", "--project", folder)
    (message,) = json.loads(listed.out)
    run_command(ofn, (folder, message["id"]), ("erase", "RUN", "--yes"))
    actions.discard("sts:GetCallerIdentity")  # needs no permission
    assert denied([VIEW, OPERATE, ERASE], actions) == set()
    assert denied([VIEW, OPERATE], actions) == {"s3:ListBucket", "s3:DeleteObject"}


@pytest.mark.parametrize("name", ["BucketPolicy", "QueuePolicy", "AlertsPolicy"])
def test_resource_policies_deny_plain_http(name):
    document = RESOURCES[name]["Properties"]["PolicyDocument"]
    (deny,) = [statement for statement in document["Statement"] if statement["Effect"] == "Deny"]
    assert deny["Principal"] == "*"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
