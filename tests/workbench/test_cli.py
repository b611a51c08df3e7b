"""`ofn`: the output of its commands. An error is a message, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workbench.conftest import GOOD
from workbench.local.destination import run_destination

KOBO = ROOT / "events/kobo_household.json"
PROGRAM = Path(sys.executable).parent / "ofn"
POSTING = """\
from adaptors.common import fn
from adaptors.http import post


def show(state):
    print("seen :100: [bold]", "word " * 40)
    return {**state, "seen": state["data"]["name"]}


fn(show)
post("children", {"name": lambda state: state["data"]["name"]})
"""
SECRET = {"baseUrl": "https://example.org/api", "username": "amina", "password": "hunter2"}


@pytest.fixture
def posting(project):
    """A project whose job prints, posts and has a credential, with a saved post."""
    project.write(
        "project.yaml",
        GOOD.replace("trigger: form", "trigger: form\n    credential: registry")
        + "credentials:\n  registry: {adaptor: http}\n",
    )
    project.write("jobs/go.py", POSTING)
    project.write("body.json", '{"formId": "registration", "name": "Zoé"}')
    project.write("secret.json", json.dumps(SECRET))
    return project


@pytest.fixture
def try_job(ofn, posting):
    """Run `ofn try` on that job and post with more options."""

    def run(*options):
        folder = posting.folder
        return ofn("try", "go", folder / "body.json", "--project", folder, *options)

    return run


def test_valid_project_is_summarized(ofn):
    ended = ofn("check", "--project", ROOT / "project")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "community-health: 2 inboxes, 3 triggers, 3 jobs. No problems found.\n"


def test_problem_ends_the_program_with_status_1_and_a_message(project):
    project.change("trigger: form", "trigger: " + "from" * 15)
    ran = subprocess.run(
        [PROGRAM, "check"], cwd=project.folder.parent, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"project.yaml:9: jobs.go.trigger: There is no trigger `{'from' * 15}`. "
        "The project has: form.\n"
    )


def test_serve_imports_neither_the_libraries_of_aws_nor_of_postgresql():
    program = "import sys, workbench.cli.main, workbench.local.serve; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    names = {"boto3", "botocore.session", "moto", "samtranslator", "psycopg"}
    assert names.isdisjoint(ran.stdout.split())


def test_problems_are_printed_as_json(ofn, project):
    result = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert result == {"mistakes": [], "notes": []}
    project.change("name: demo", "name: de mo")
    project.write("jobs/go.py", 'print("x")\n')
    ended = ofn("check", "--project", project.folder, "--json")
    assert ended.status == 1
    first, second = json.loads(ended.out)["mistakes"]
    assert (first["file"], first["line"]) == ("jobs/go.py", 1)
    assert (second["file"], second["line"]) == ("project.yaml", 1)
    assert second["what"].startswith("name: Begin with a letter")


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("match", KOBO), ("try", "go", KOBO), ("serve", "--port", "0"), ("demo",)],
    ids=lambda arguments: arguments[0],
)
def test_every_command_names_a_missing_project_folder(ofn, tmp_path, arguments):
    ended = ofn(*arguments, "--project", tmp_path / "nowhere")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"{tmp_path}/nowhere/project.yaml:1: This file does not exist.")


@pytest.mark.parametrize("command", ["check", "match", "try", "serve", "demo"])
def test_every_command_has_help_with_its_options(ofn, command):
    ended = ofn(command, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert "--project" in ended.out
    assert command in ofn("--help").out


def test_match_shows_matching_triggers_and_why_others_do_not_match(ofn):
    ended = ofn("match", KOBO, "--project", ROOT / "project")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "kobo-household matches, runs register-household",
        (
            'odk-registration does not match: formId: expected "child_registration", '
            "but there is no such key"
        ),
        (
            'commcare-visit does not match: form: expected {@name: "Home Visit"}, '
            "but there is no such key"
        ),
    ]


def test_body_of_another_inbox_does_not_match(ofn):
    ended = ofn("match", KOBO, "--project", ROOT / "project", "--inbox", "commcare", "--json")
    assert ended.status == 0
    assert json.loads(ended.out)[0] == {
        "trigger": "kobo-household",
        "matches": False,
        "jobs": ["register-household"],
        "why": "accepts only messages of inbox field-data",
    }


@pytest.mark.parametrize(
    ("query", "matches"),
    [("site=A", True), ("?site=A", True), ("site=B", False), ("", False), ("site=A&site=B", False)],
)
def test_query_string_is_matched(ofn, project, query, matches):
    project.change("{formId: registration}", "{__query_params: {site: A}}")
    body = project.write("body.json", "{}")
    ended = ofn("match", body, "--query", query, "--project", project.folder, "--json")
    assert json.loads(ended.out)[0]["matches"] is matches


def test_number_is_matched_exactly(ofn, project):
    project.change("{formId: registration}", "{a: 0.1}")
    body = project.write("body.json", '{"a": 0.1000000000000000000001}')
    ended = ofn("match", body, "--project", project.folder)
    assert "does not match: a: expected 0.1, found 0.1000000000000000000001" in ended.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("match", KOBO, "--inbox", "nope"), "The project has no inbox nope. It has: field."),
        (("try", "nope", KOBO), "The project has no job nope. It has: go."),
    ],
    ids=["inbox", "job"],
)
def test_unknown_name_is_an_error_with_the_names_that_exist(ofn, project, arguments, text):
    ended = ofn(*arguments, "--project", project.folder)
    assert (ended.status, ended.out, ended.err.strip()) == (1, "", text)


@pytest.mark.parametrize("command", [("match",), ("try", "go")], ids=["match", "try"])
@pytest.mark.parametrize("body", ['{"formId": ', "", b"\xff\xfe"], ids=ascii)
def test_unreadable_body_is_an_error(ofn, project, command, body):
    file = project.write("body.json", body)
    ended = ofn(*command, file, "--project", project.folder)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("The body is ")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("match", "nowhere.json"), "'nowhere.json' does not exist"),
        (("match", ROOT / "events"), "is a directory"),
        (("try", "go", "nowhere.json"), "'nowhere.json' does not exist"),
        (("try", "go", KOBO, "--credential", "nowhere.json"), "'nowhere.json' does not exist"),
        (("try",), "Missing argument"),
        (("check", "--project", KOBO), "is a file"),
        (("nonsense",), "No such command 'nonsense'"),
        (("check", "--nonsense"), "No such option: --nonsense"),
        (("serve", "--project", "nowhere", "--port", "70000"), "less than or equal to 65535"),
        (("serve", "--project", "nowhere", "--credentials", "nowhere"), "does not exist"),
    ],
    ids=str,
)
def test_invalid_argument_is_an_error(ofn, arguments, text):
    ended = ofn(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert text in ended.words


def test_commands_are_listed_without_arguments(ofn):
    ended = ofn()
    assert "Validate a project" in ended.out + ended.err


def test_dry_run_shows_requests_log_and_final_state(try_job):
    ended = try_job("--dry-run")
    assert (ended.status, ended.err) == (0, "")
    assert "would send POST https://registry.invalid/children\n" in ended.out
    assert "  Content-Type: application/json\n" in ended.out
    assert '  {"name": "Zo\\u00e9"}\n' in ended.out
    assert f"log\nseen :100: [bold] {('word ' * 40).strip()}\n" in ended.out
    final = ended.out.partition("go succeeded. Final state:\n")[2]
    assert json.loads(final)["seen"] == "Zoé"


def test_dry_run_without_a_credential_uses_a_placeholder(ofn, posting, clinic):
    yaml = (posting.folder / "project.yaml").read_text("utf-8")
    posting.write("project.yaml", yaml.replace("adaptor: http", "adaptor: clinic"))
    posting.write(
        "jobs/go.py",
        """\
from adaptors.clinic import Configuration
from adaptors.common import fn
from adaptors.credentials import read_credential

fn(lambda state: {"seen": read_credential(Configuration, state).host_url})
""",
    )
    options = ("--dry-run", "--json", "--project", posting.folder)
    result = json.loads(ofn("try", "go", posting.folder / "body.json", *options).out)
    assert (result["error"], result["final"]) == (None, {"seen": "https://registry.invalid"})


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_dry_run_hides_the_password(try_job, posting, options):
    ended = try_job("--dry-run", "--credential", posting.folder / "secret.json", *options)
    assert ended.status == 0
    assert "POST" in ended.out
    assert "https://example.org/api/children" in ended.out
    assert "***" in ended.out
    assert "hunter2" not in ended.out + ended.err
    assert "YW1pbmE6" not in ended.out + ended.err  # amina: in base64


def test_requests_are_sent_with_the_credential(try_job, posting):
    with run_destination() as destination:
        posting.write("secret.json", json.dumps({**SECRET, "baseUrl": destination.url}))
        ended = try_job("--credential", posting.folder / "secret.json", "--json")
    (received,) = destination.received
    assert (received.method, received.path, received.json) == (
        "POST",
        "/children",
        {"name": "Zoé"},
    )
    assert received.authorization == "Basic YW1pbmE6aHVudGVyMg=="
    result = json.loads(ended.out)
    assert (ended.status, result["error"], result["requests"]) == (0, None, [])
    assert result["final"]["data"] == {"id": 1}
    assert "configuration" not in result["final"]


def test_query_string_is_in_the_initial_state(try_job):
    result = json.loads(try_job("--dry-run", "--json", "--query", "?site=A&site=B&x=").out)
    assert result["final"]["request"]["query_params"] == {"site": ["A", "B"], "x": ""}


def test_failed_job_is_shown_with_its_line_and_log(try_job, posting):
    posting.write("body.json", '{"name": null}')
    posting.write("jobs/go.py", POSTING + "\nfn(lambda state: state['data']['nam'])\n")
    ended = try_job("--dry-run")
    assert ended.status == 1
    assert "seen :100:" in ended.out
    assert "go failed: line 13, fn: KeyError: 'nam'" in ended.out
    result = json.loads(try_job("--dry-run", "--json").out)
    assert (result["error"]["line"], result["error"]["operation"]) == (13, "fn")
    assert result["final"] is None
    assert len(result["requests"]) == 1


def test_missing_credential_is_an_error_with_the_line_that_needs_it(try_job):
    ended = try_job()
    assert ended.status == 1
    assert "go failed: line 11, post: ConfigurationError" in ended.out
    assert "baseUrl" in ended.out


@pytest.mark.parametrize("content", ["not json", "[]", "", b"\xff\xfe\x00"], ids=ascii)
def test_credential_that_is_not_a_json_object_is_an_error_and_not_shown(try_job, posting, content):
    file = posting.write("secret.json", content)
    ended = try_job("--credential", file)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == f'{file} is not a JSON object such as {{"baseUrl": "https://…"}}.\n'


def test_characters_that_the_terminal_cannot_show_are_escaped(posting):
    posting.write("body.json", '{"formId": "Zoé"}')
    ran = subprocess.run(
        [PROGRAM, "match", "body.json", "--project", "."],
        cwd=posting.folder,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == ('form does not match: formId: expected "registration", found "Zo\\xe9"\n')


@pytest.fixture
def nightly(ofn, project):
    """Try a cron job that emits, with more options."""
    project.change("inclusion: {formId: registration}", "cron: '@daily'")
    code = """\
from adaptors.common import emit, fn

fn(lambda state: {**state, "count": state.get("count", 0) + 1})
emit("field", {"count": lambda state: state["count"]})
"""
    project.write("jobs/go.py", code)

    def run(*options):
        return ofn("try", "go", "--project", project.folder, *options)

    return run


def test_cron_job_is_tried_with_or_without_a_state(nightly, project):
    final = json.loads(nightly("--json").out)["final"]
    assert (final["count"], len(final["scheduled"])) == (1, 20)
    state = project.write("state.json", '{"count": 4}')
    ended = nightly("--state", state)
    assert 'would emit to field\n  {"count": 5}\n' in ended.out


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "This is not JSON: Expecting"),
        ("[1]", "is not a state. It must contain a JSON object"),
    ],
)
def test_invalid_state_is_an_error(nightly, project, content, text):
    ended = nightly("--state", project.write("state.json", content))
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.words


def test_message_job_needs_a_body(ofn, project):
    ended = ofn("try", "go", "--project", project.folder)
    assert ended.status == 1
    assert "go runs on messages. Name a file with the body of a post." in ended.words
