"""No command lets text from outside control the terminal, and `--json` stays JSON."""

from __future__ import annotations

import json
import re
import time
from io import StringIO

import boto3
import pytest
import typer

from openfn.control_characters import escape_controls
from tests.conftest import post, write_project
from tests.support.moto_stack import create_stack
from workbench.cli.local.demo import print_deliveries
from workbench.cli.main import app
from workbench.cli.options import TerminalConsole
from workbench.local.demo import Delivery
from workbench.local.destination import Received
from workbench.local.log_view import LogView

# Write to the clipboard, clear the screen, a C1 sequence, a reversed line, and a hidden one.
HOSTILE = "evil \x1b]52;c;ZQ==\x07\x1b[2J\x9b8m\u202e\u2066\x7f\r\x08\x85 end"
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# A progress bar hides the cursor and shows it again.
CURSOR = re.compile(r"\x1b\[\?25[lh]")
PROJECT = """
inboxes:
  inbox-a: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
triggers:
  all: {inclusion: {}}
  other: {inclusion: {name: other}}
  clock: {cron: "0 1 * * *"}
credentials:
  remote: {adaptor: http}
jobs:
  job-a: {trigger: all, expression: jobs/a.py}
  nightly: {trigger: clock, expression: jobs/night.py}
"""
JOB = """
from adaptors.common import emit, fn
from adaptors.http import post

def fail(state):
    print(state["data"])
    print(str(state["data"]["name"]))
    if state["data"].get("fail"):
        raise ValueError(state["data"]["name"])
    return state

fn(fail)
emit("inbox-a", lambda state: {"name": state["data"]["name"], "fail": True})
"""
NIGHT = f"from adaptors.common import fn\nfn(lambda state: print({HOSTILE!r}) or [][1])\n"
TEST = f"def test_fails():\n    print({HOSTILE!r})\n    raise ValueError({HOSTILE!r})\n"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """The paths and ids that commands take, by name, in a stack that received hostile posts."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, PROJECT, {"a": JOB, "night": NIGHT})
    (folder / "credentials").mkdir()
    broken, test, event = (folder / name for name in ("broken", "tests/test_a.py", "event.json"))
    broken.mkdir()
    (broken / "project.yaml").write_text(
        f"name: broken\n{json.dumps(HOSTILE)}: 1\njobs: {{go: {{expression: {HOSTILE!r}}}}}",
        "utf-8",
    )
    test.parent.mkdir()
    test.write_text(TEST, "utf-8")
    body = json.dumps({"name": HOSTILE, "fail": True}, ensure_ascii=False).encode()
    event.write_bytes(body)
    for name, state in (("old", "state"), ("new", "{}")):
        code = f"from adaptors.common import fn\nfn(lambda state: {state})\n"
        (folder / f"{name}.py").write_text(code, "utf-8")
    (folder / "posts").mkdir()
    (folder / "posts/event.json").write_bytes(body)
    with create_stack(folder) as stack:
        stack.set_credential("remote", {"baseUrl": "https://example.org", HOSTILE: HOSTILE})
        headers = {"content-type": "application/json", "x-form": HOSTILE}
        message_id = post(stack, body, headers=headers)["headers"]["X-Message-Id"]
        unreadable = post(stack, HOSTILE.encode())["headers"]["X-Message-Id"]
        stack.drain()
        _send_dead_letter(stack)
        _write_log_line(stack, message_id)
        yield {
            "PROJECT": folder,
            "BROKEN": broken,
            "EVENT": event,
            "MESSAGE": message_id,
            "UNREADABLE": unreadable,
            "RUN": f"{message_id}#job-a",
            "HOSTILE": HOSTILE,
            "OLD": folder / "old.py",
            "NEW": folder / "new.py",
            "EVENTS": folder / "posts",
        }


def _send_dead_letter(stack):
    boto3.client("sqs").send_message(
        QueueUrl=stack.resources.physical_ids["RunDeadLetters"],
        MessageBody=json.dumps({"run_id": HOSTILE}),
        MessageGroupId="g",
        MessageDeduplicationId="d",
    )


def _write_log_line(stack, message_id):
    logs, group = boto3.client("logs"), stack.resources.physical_ids["RunnerLogs"]
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    event = {"timestamp": now + 1000, "message": f'"{message_id}" {HOSTILE}'}
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])


# Each command, with whether its output has to quote the hostile text.
COMMANDS = {
    "init": ("init PROJECT --name HOSTILE", True),
    "check": ("check --project BROKEN", True),
    "match": ("match EVENT", True),
    "match MESSAGE": ("match MESSAGE --trigger other", True),
    "match --state": ("match --last 2 --state unreadable", False),
    "try --message": ("try job-a --message MESSAGE --dry-run", True),
    "match --last": ("match --last 2 --trigger other", True),
    "try": ("try job-a EVENT", True),
    "try --dry-run": ("try job-a EVENT --dry-run", True),
    "test": ("test -p no:cacheprovider", True),
    "new-adaptor": ("new-adaptor HOSTILE", True),
    "status": ("status --since 1h", False),
    "messages": ("messages --since 1h", False),
    "runs": ("runs --since 1h", True),
    "show": ("show MESSAGE --body", True),
    "show unreadable": ("show UNREADABLE --body", True),
    "show run": ("show RUN --body", True),
    "show missing": ("show HOSTILE", True),
    "logs": ("logs RUN", True),
    "dead-letters list": ("dead-letters list", True),
    "dead-letters show": ("dead-letters show RUN", True),
    "run": ("run nightly --wait 0", False),
    "cost": ("cost --since 1h", False),
    "compare": ("compare OLD NEW --events EVENTS", True),
    "inbox list": ("inbox list", False),
    "inbox url": ("inbox url HOSTILE", True),
    "inbox add": ("inbox add HOSTILE", True),
    "inbox rotate": ("inbox rotate HOSTILE", True),
    "credential list": ("credential list", True),
    "credential set": ("credential set remote --file EVENT --yes", False),
    "doctor": ("doctor", False),
    "restore": ("restore HOSTILE --yes", False),
    "erase": ("erase HOSTILE", True),
    "erase --where": ("erase --where name=HOSTILE --dry-run", False),
    "replay": ("replay RUN --dry-run", False),
    "dead-letters redrive": ("dead-letters redrive --yes", False),
}
# What they print is tested below: they run until they are stopped, or for many seconds. `received`
# has its own test, on the stack of `ofn serve`, and `console` prints a link of ours.
PRINTED_BELOW = {"serve", "demo", "received", "console"}


def leaf_commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaf_commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


LEAVES = dict(leaf_commands(typer.main.get_command(app)))


def test_every_command_is_in_this_test():
    assert set(LEAVES) - set(COMMANDS) == PRINTED_BELOW


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_prints_a_control_character(ofn, deployment, monkeypatch, name, as_json):
    words, quotes = COMMANDS[name]
    leaf = next(leaf for path, leaf in LEAVES.items() if words.startswith(path))
    if as_json and not any("--json" in parameter.opts for parameter in leaf.params):
        return
    if not as_json:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "400")
    arguments = [deployment.get(word, word) for word in words.split(" ")]
    project = (
        []
        if "--project" in words or words.startswith(("new", "init"))
        else ["--project", "PROJECT"]
    )
    arguments += [deployment.get(word, word) for word in project]
    ended = ofn(*arguments, *(["--json"] if as_json else []))
    printed = CURSOR.sub("", ended.out + ended.err)
    assert UNSAFE.findall(printed) == []
    if quotes:
        assert "evil" in printed
    if as_json and ended.out:
        json.loads(ended.out)
    elif quotes and "test" not in words:
        assert re.search(r"\\(x|u00)1b\]52", printed)


def test_json_keeps_the_text(ofn, deployment):
    ended = ofn(
        "show", deployment["MESSAGE"], "--body", "--json", "--project", deployment["PROJECT"]
    )
    assert json.loads(json.loads(ended.out)["body"])["name"] == HOSTILE


@pytest.mark.parametrize("terminal", [False, True])
def test_serve_and_demo_print_no_control_character(terminal):
    file = StringIO()
    console = TerminalConsole(
        file=file, force_terminal=terminal, color_system=None, emoji=False, highlight=False
    )
    received = Received("POST", f"/{HOSTILE}", None, HOSTILE.encode())
    view = LogView(console)
    view.print_received(received)
    view.print_log_line("runner", HOSTILE)
    view.print_log_line("runner", json.dumps({"message": HOSTILE, "field": HOSTILE}))
    print_deliveries(console, [Delivery(HOSTILE, "400", None, (), (), (received,))])
    assert UNSAFE.findall(file.getvalue()) == []
    assert file.getvalue().count(escape_controls(HOSTILE)) == 8
