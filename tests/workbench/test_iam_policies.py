"""What docs/security.md gives people leave for is what their commands do."""

from __future__ import annotations

import json
from contextlib import ExitStack

import boto3
import pytest
from markdown_it import MarkdownIt

from openfn import aws
from tests.conftest import ROOT, hooked, post, write_project
from tests.security import iam_simulator
from tests.security.aws_calls import ACTIONS, PARTS
from workbench import functions
from workbench.stack import created

PAGE = (ROOT / "docs/security.md").read_text("utf-8")
FENCES = [each.content for each in MarkdownIt().parse(PAGE) if each.type == "fence"]
LOOK, MEND = json.loads(next(each for each in FENCES if "cloudformation:" in each))["Statement"]
PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
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
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, PROJECT, {"a": CODE, "night": CODE})
    with created(folder) as made:
        message_id = post(made, '{"form": "visit"}')["headers"]["X-Message-Id"]
        post(made, "x" * 400_000)
        made.settle()
        dead = made.resources.physical_ids["RunDeadLetters"]
        body = json.dumps({"run_id": f"{message_id}#job-a"})
        boto3.client("sqs").send_message(
            QueueUrl=dead, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
        )
        yield made, folder, f"{message_id}#job-a"


@pytest.fixture
def asked():
    """The IAM actions of all calls that are made for a person."""
    found = set()

    def see(model, params, **_):
        if functions.executing.get():
            return
        service = model.service_model.endpoint_prefix
        prefix = PREFIXES.get(service, service)
        parts = [kind for item in params.get("TransactItems", []) for kind in item]
        names = [PARTS[kind] for kind in parts] or [ACTIONS.get(model.name, model.name)]
        found.update(f"{prefix}:{name}" for name in names)

    session = boto3.DEFAULT_SESSION or boto3.Session()
    with ExitStack() as context:
        for service in ("dynamodb", "s3", "sqs", "secretsmanager"):
            context.enter_context(hooked(f"provide-client-params.{service}", see))
        session.events.register("provide-client-params", see)
        context.callback(session.events.unregister, "provide-client-params", see)
        yield found
    assert aws.client("sqs")


LOOKS = (
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
MENDS = (
    ("credential", "list"),
    ("replay", "RUN", "--yes"),
    ("run", "nightly", "--wait", "0"),
    ("dead-letters", "redrive", "--yes"),
    ("credential", "set", "remote", "--file", "FILE", "--yes"),
)


def done(ofn, stack, command):
    _, folder, run = stack
    file = folder / "remote.json"
    file.write_text('{"baseUrl": "https://registry.example.org"}', "utf-8")
    words = [{"RUN": run, "FILE": file}.get(word, word) for word in command]
    ended = ofn(*words, "--project", folder)
    assert (ended.err, ended.status) == ("", 0)


@pytest.mark.parametrize("command", LOOKS, ids=lambda each: " ".join(each[:2]))
def test_who_may_look_may_do_what_the_command_does(ofn, stack, asked, command):
    done(ofn, stack, command)
    assert asked
    assert {each for each in asked if not iam_simulator.allows([LOOK], each, "*")} == set()


@pytest.mark.parametrize("command", MENDS, ids=lambda each: " ".join(each[:2]))
def test_who_is_on_call_may_do_what_the_command_does(ofn, stack, asked, command):
    done(ofn, stack, command)
    refused = {each for each in asked if not iam_simulator.allows([LOOK, MEND], each, "*")}
    assert refused == set()
    assert not all(iam_simulator.allows([LOOK], each, "*") for each in asked)


@pytest.mark.parametrize("name", ["BucketPolicy", "QueuePolicy", "AlertsPolicy"])
def test_plain_http_is_refused(name):
    from samtranslator.yaml_helper import yaml_parse  # noqa: PLC0415 - SAM's, for its tags

    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    document = template["Resources"][name]["Properties"]["PolicyDocument"]
    (deny,) = [each for each in document["Statement"] if each["Effect"] == "Deny"]
    assert deny["Principal"] == "*"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
