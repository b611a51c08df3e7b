"""The steps of docs/operate.md restore a table with point-in-time recovery, as far as moto goes.

moto copies all items and ignores the time. AWS does not restore a table's TTL, its point-in-time
recovery, and objects of the bucket.
"""

from __future__ import annotations

import json
import re
import shlex

import boto3
import pytest
from botocore import xform_name
from markdown_it import MarkdownIt

from openfn.history import details
from openfn.runs.model import RunStatus
from tests.conftest import ROOT, post

pytestmark = pytest.mark.moto

SECTION = (ROOT / "docs/operate.md").read_text("utf-8").split("\n## Restore\n")[1].split("\n## ")[0]
COMMANDS = [
    line
    for fence in MarkdownIt().parse(SECTION)
    if fence.type == "fence"
    for line in fence.content.replace("\\\n", " ").splitlines()
]
PROJECT = """
triggers: {form: {inclusion: {}}}
jobs: {job-a: {trigger: form, expression: jobs/a.py}}
"""
CODE = "from adaptors.common import fn\nfn(lambda state: state)\n"


def aws_command(line, **names):
    """Execute a command of the AWS CLI, with its upper-case words replaced."""
    for name, value in names.items():
        line = line.replace(name, value)
    program, service, operation, *words = shlex.split(line)
    assert program == "aws"
    client = boto3.client(service)
    method = xform_name(operation.title().replace("-", ""))
    parameters = client.meta.service_model.operation_model(
        client.meta.method_to_api_mapping[method]
    ).input_shape.members
    options = {}
    for flag, value in re.findall(r"--([a-z-]+)(?: ((?!--)\S+))?", " ".join(words)):
        name = "".join(word.capitalize() for word in flag.split("-"))
        assert name in parameters, f"{operation} has no option --{flag}"
        options[name] = shorthand(value) if value else True
    return getattr(client, method)(**options)


def shorthand(value):
    """Return the value of an option in the AWS CLI's shorthand syntax."""
    if "=" not in value:
        return value
    pairs = dict(pair.split("=") for pair in value.split(","))
    return {key: {"true": True}.get(text, text) for key, text in pairs.items()}


def commands(word):
    return [line for line in COMMANDS if word in line]


@pytest.fixture
def stack(create_project_stack):
    return create_project_stack(PROJECT, a=CODE)


@pytest.fixture
def restore(ofn, tmp_path):
    """Run `ofn restore` and return its JSON."""

    def run(*options):
        ended = ofn("restore", "openfn-restored", *options, "--project", tmp_path, "--json")
        assert (ended.err, ended.status) == ("", 0)
        return json.loads(ended.out)

    return run


def table_name(stack):
    return stack.resources.physical_ids["Table"]


def restore_table(stack):
    """Execute the page's command that restores the table under another name."""
    (line,) = commands("restore-table-to-point-in-time")
    aws_command(line, TABLE=table_name(stack))


def delete_items(stack, *identifiers):
    """Delete all items of messages and runs whose ids begin with one of some texts."""
    client, name = boto3.client("dynamodb"), table_name(stack)
    for item in client.scan(TableName=name)["Items"]:
        if item["sk"]["S"].startswith(identifiers):
            client.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})


def items(name):
    found = boto3.client("dynamodb").scan(TableName=name)["Items"]
    return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def test_lost_items_are_copied_back_and_newer_ones_stay(stack, restore):
    lost = post(stack, '{"n": 1}')["headers"]["X-Message-Id"]
    changed = post(stack, '{"n": 2}')["headers"]["X-Message-Id"]
    restore_table(stack)  # when neither message was matched
    before = items(table_name(stack))
    stack.drain()
    delete_items(stack, lost)
    assert details.message(lost) is None

    assert restore("--dry-run") == {"read": 2, "missing": 1, "copied": 0}
    assert restore("--yes") == {"read": 2, "missing": 1, "copied": 1}
    assert restore("--yes") == {"read": 2, "missing": 0, "copied": 0}
    assert [item for item in before if item["sk"]["S"].startswith(lost)] == [
        item for item in items(table_name(stack)) if item["sk"]["S"].startswith(lost)
    ]
    assert details.run(f"{changed}#job-a").status is RunStatus.SUCCEEDED


def test_a_restored_message_that_was_not_finished_can_be_replayed(stack, restore, ofn, tmp_path):
    lost = post(stack, '{"n": 1}')["headers"]["X-Message-Id"]
    restore_table(stack)
    stack.drain()
    delete_items(stack, lost)
    restore("--yes")
    ended = ofn("replay", lost, "--project", tmp_path)
    assert (ended.err, ended.status) == ("", 0)
    stack.drain()
    assert details.run(f"{lost}#job-a").status is RunStatus.SUCCEEDED


def test_expired_items_are_not_copied(stack, restore):
    lost = post(stack, '{"n": 1}')["headers"]["X-Message-Id"]
    client, name = boto3.client("dynamodb"), table_name(stack)
    (item,) = items(name)
    client.put_item(TableName=name, Item={**item, "expires": {"N": "1000"}})
    restore_table(stack)
    delete_items(stack, lost)
    assert restore("--yes") == {"read": 0, "missing": 0, "copied": 0}


def test_a_lost_table_is_restored_under_its_name_with_its_settings(stack):
    message_id = post(stack, '{"n": 1}')["headers"]["X-Message-Id"]
    stack.drain()
    client, name = boto3.client("dynamodb"), table_name(stack)
    expected = items(name)
    backup = client.create_backup(TableName=name, BackupName="system")["BackupDetails"]
    client.delete_table(TableName=name)
    lines = COMMANDS[COMMANDS.index(commands("list-backups")[0]) :]
    for line in lines:
        if line.startswith("aws"):
            aws_command(line, TABLE=name, BACKUP=backup["BackupArn"])
    assert items(name) == expected
    assert details.run(f"{message_id}#job-a").status is RunStatus.SUCCEEDED
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires")
    recovery = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert status == "ENABLED"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("no-such-table", "There is no table no-such-table in this region."),
        ("other", "other was not restored from the table of a stack."),
        ("TABLE", "is the table of the stack itself. Name the restored one."),
    ],
)
def test_a_table_that_was_not_restored_is_refused(stack, ofn, tmp_path, table, message):
    boto3.client("dynamodb").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    name = table.replace("TABLE", table_name(stack))
    ended = ofn("restore", name, "--project", tmp_path)
    assert ended.status == 1
    assert message in ended.err
