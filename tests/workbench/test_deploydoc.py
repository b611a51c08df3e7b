"""The commands of docs/deploy.md, in order, lead to a message that arrives."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import pytest
from markdown_it import MarkdownIt

from openfn.history import details
from tests.conftest import ROOT, post
from tests.support import aws_responses
from tests.support.moto_server import serve_aws
from tests.support.moto_stack import create_stack
from workbench.environment import environ
from workbench.local.destination import run_destination

PAGE = (ROOT / "docs/deploy.md").read_text("utf-8").split("## The first message")[1]
SECTION = PAGE.split("\n## ")[0]
COMMANDS = [
    line.strip()
    for fence in MarkdownIt().parse(SECTION)
    if fence.type == "fence"
    for line in fence.content.splitlines()
    if line.strip()
]
ALL_COMMANDS = [
    line.strip()
    for fence in MarkdownIt().parse((ROOT / "docs/deploy.md").read_text("utf-8"))
    if fence.type == "fence" and not fence.info
    for line in fence.content.splitlines()
]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
OFN = ".venv/bin/ofn "


def test_the_page_leads_through_these_commands():
    commands = [line.removeprefix(OFN).split(" --")[0] for line in COMMANDS if line.startswith(OFN)]
    assert commands == [
        "inbox add kobo",
        "check",
        "doctor",
        "credential set registry",
        "credential list",
        "doctor",
        "status",
        "messages",
        "runs",
        "show RUN",
    ]
    assert "make deploy" in COMMANDS


def test_a_make_target_creates_the_environment_before_a_command_uses_it():
    targets = re.findall(r"^(\w+):[^\n]*\$\(READY\)", MAKEFILE, re.MULTILINE)
    creating = [f"make {target}" for target in targets]
    first_use = next(n for n, line in enumerate(ALL_COMMANDS) if ".venv/bin" in line)
    assert [line for line in ALL_COMMANDS[:first_use] if line in creating]


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "project", tmp_path / "project", dirs_exist_ok=True)
    return tmp_path / "project"


# Composed from AWS's documented answers, for an account that can be deployed to.
ACCOUNT = {
    "GetCallerIdentity": aws_responses.IDENTITY,
    "DescribeStacks": aws_responses.error("ValidationError", "Stack does not exist"),
    "GetAccountSettings": aws_responses.account_settings(1_000),
}


def test_every_command_works_in_the_order_given(ofn, project, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    before, after = (
        [line.removeprefix(OFN) for line in part if line.startswith(OFN)]
        for part in _split(COMMANDS, "make deploy")
    )
    with aws_responses.answering(ACCOUNT):
        for line in before:
            assert _done(ofn(*shlex.split(line), "--project", project))
    (tmp_path / "secret.json").write_text("{}", "utf-8")
    with create_stack(project) as stack, run_destination() as destination:
        (tmp_path / "secret.json").write_text(json.dumps({"baseUrl": destination.url}), "utf-8")
        for line in after:
            words = shlex.split(line)
            if line.startswith("credential set"):
                words += ["--file", tmp_path / "secret.json", "--yes"]
            if line.startswith("status"):
                body = (ROOT / "events/kobo_household.json").read_text("utf-8")
                assert post(stack, body, "field-data")["statusCode"] == 200
                stack.drain()
            if "RUN" in words:
                (message,) = details.newest_messages(1)
                words[words.index("RUN")] = f"{message.message.id}#{message.started_jobs[0]}"
            if line.startswith("doctor"):
                with serve_aws(0) as endpoint, environ({"AWS_ENDPOINT_URL": endpoint}):
                    assert _done(ofn(*words, "--project", project))
                continue
            ended = ofn(*words, "--project", project)
            assert _done(ended)
        assert [request.method for request in destination.received] == ["PUT"]
    assert re.search(r"status\W+succeeded", ended.out)


def _split(lines, at):
    position = lines.index(at)
    return lines[:position], lines[position + 1 :]


def _done(ended):
    return ended.status == 0
