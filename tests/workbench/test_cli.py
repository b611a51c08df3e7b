"""`ofn`: what each command says, and that a mistake ends in words and never in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workbench.conftest import GOOD
from workbench.local import destination

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
    """A project whose job prints, posts and has a credential, and a body for it."""
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
def attempt(ofn, posting):
    """Try that job on that body, with more options."""

    def run(*options):
        folder = posting.folder
        return ofn("try", "go", folder / "body.json", "--project", folder, *options)

    return run


def test_a_project_with_nothing_to_mend_is_counted(ofn):
    ended = ofn("check", "--project", ROOT / "project")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "community-health: 2 inboxes, 3 triggers, 3 jobs; nothing to mend\n"


def test_a_mistake_ends_the_program_with_status_1_and_words_on_standard_error(project):
    project.change("trigger: form", "trigger: " + "from" * 15)
    ran = subprocess.run(
        [PROGRAM, "check"], cwd=project.folder.parent, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"project.yaml:9: jobs.go.trigger: there is no trigger `{'from' * 15}`; there is form\n"
    )


def test_mistakes_are_given_to_a_machine_as_json(ofn, project):
    told = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert told == {"mistakes": [], "notes": []}
    project.change("name: demo", "name: de mo")
    project.write("jobs/go.py", 'print("x")\n')
    ended = ofn("check", "--project", project.folder, "--json")
    assert ended.status == 1
    first, second = json.loads(ended.out)["mistakes"]
    assert (first["file"], first["line"]) == ("jobs/go.py", 1)
    assert (second["file"], second["line"]) == ("project.yaml", 1)
    assert second["what"].startswith("name: begin with a letter")


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("match", KOBO), ("try", "go", KOBO), ("serve", "--port", "0"), ("demo",)],
    ids=lambda each: each[0],
)
def test_a_project_folder_that_is_not_there_is_named_by_every_command(ofn, tmp_path, arguments):
    ended = ofn(*arguments, "--project", tmp_path / "nowhere")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"{tmp_path}/nowhere/project.yaml:1: there is no such file")


@pytest.mark.parametrize("command", ["check", "match", "try", "serve", "demo"])
def test_every_command_has_help_that_names_its_options(ofn, command):
    ended = ofn(command, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert "--project" in ended.out
    assert command in ofn("--help").out


def test_a_body_is_told_which_triggers_match_it_and_why_the_others_do_not(ofn):
    ended = ofn("match", KOBO, "--project", ROOT / "project")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "kobo-household matches, runs register-household",
        (
            'odk-registration does not match: formId: wants "child_registration", '
            "there is no such key"
        ),
        ('commcare-visit does not match: form: wants {@name: "Home Visit"}, there is no such key'),
    ]


def test_a_body_that_came_to_another_inbox_matches_nothing(ofn):
    ended = ofn("match", KOBO, "--project", ROOT / "project", "--inbox", "commcare", "--json")
    assert ended.status == 0
    assert json.loads(ended.out)[0] == {
        "trigger": "kobo-household",
        "matches": False,
        "jobs": ["register-household"],
        "why": "listens to the inbox field-data",
    }


@pytest.mark.parametrize(
    ("query", "matches"),
    [("site=A", True), ("?site=A", True), ("site=B", False), ("", False), ("site=A&site=B", False)],
)
def test_the_query_string_of_the_inbox_url_is_matched_too(ofn, project, query, matches):
    project.change("{formId: registration}", "{__query_params: {site: A}}")
    body = project.write("body.json", "{}")
    ended = ofn("match", body, "--query", query, "--project", project.folder, "--json")
    assert json.loads(ended.out)[0]["matches"] is matches


def test_a_number_is_matched_exactly(ofn, project):
    project.change("{formId: registration}", "{a: 0.1}")
    body = project.write("body.json", '{"a": 0.1000000000000000000001}')
    ended = ofn("match", body, "--project", project.folder)
    assert "does not match: a: wants 0.1, has 0.1000000000000000000001" in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("match", KOBO, "--inbox", "nope"), "The project has no inbox nope. It has: field."),
        (("try", "nope", KOBO), "The project has no job nope. It has: go."),
    ],
    ids=["inbox", "job"],
)
def test_an_unknown_name_is_told_with_those_there_are(ofn, project, arguments, words):
    ended = ofn(*arguments, "--project", project.folder)
    assert (ended.status, ended.out, ended.err.strip()) == (1, "", words)


@pytest.mark.parametrize("command", [("match",), ("try", "go")], ids=["match", "try"])
@pytest.mark.parametrize("body", ['{"formId": ', "", b"\xff\xfe"], ids=ascii)
def test_a_body_that_cannot_be_read_is_said_in_words(ofn, project, command, body):
    file = project.write("body.json", body)
    ended = ofn(*command, file, "--project", project.folder)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("The body is ")


@pytest.mark.parametrize(
    ("arguments", "words"),
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
def test_a_wrong_argument_is_said_in_words(ofn, arguments, words):
    ended = ofn(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.words


def test_without_a_command_the_commands_are_shown(ofn):
    ended = ofn()
    assert "Validate a project" in ended.out + ended.err


def test_a_dry_run_shows_the_requests_and_what_was_printed_and_the_final_state(attempt):
    ended = attempt("--dry-run")
    assert (ended.status, ended.err) == (0, "")
    assert "would send POST https://registry.invalid/children\n" in ended.out
    assert "  Content-Type: application/json\n" in ended.out
    assert '  {"name": "Zo\\u00e9"}\n' in ended.out
    assert f"log\nseen :100: [bold] {('word ' * 40).strip()}\n" in ended.out
    final = ended.out.partition("go succeeded; its final state:\n")[2]
    assert json.loads(final)["seen"] == "Zoé"


def test_a_dry_run_without_a_credential_makes_one_up_that_the_adaptor_takes(ofn, posting, clinic):
    written = (posting.folder / "project.yaml").read_text("utf-8")
    posting.write("project.yaml", written.replace("adaptor: http", "adaptor: clinic"))
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
    tried = json.loads(ofn("try", "go", posting.folder / "body.json", *options).out)
    assert (tried["error"], tried["final"]) == (None, {"seen": "https://registry.invalid"})


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["words", "json"])
def test_a_dry_run_hides_the_password_of_the_credential(attempt, posting, form):
    ended = attempt("--dry-run", "--credential", posting.folder / "secret.json", *form)
    assert ended.status == 0
    assert "POST" in ended.out
    assert "https://example.org/api/children" in ended.out
    assert "***" in ended.out
    assert "hunter2" not in ended.out + ended.err
    assert "YW1pbmE6" not in ended.out + ended.err  # amina: in base64


def test_without_dry_run_the_requests_are_sent_with_the_credential(attempt, posting):
    with destination.running() as sink:
        posting.write("secret.json", json.dumps({**SECRET, "baseUrl": sink.url}))
        ended = attempt("--credential", posting.folder / "secret.json", "--json")
    (received,) = sink.received
    assert (received.method, received.path, received.json) == (
        "POST",
        "/children",
        {"name": "Zoé"},
    )
    assert received.authorization == "Basic YW1pbmE6aHVudGVyMg=="
    tried = json.loads(ended.out)
    assert (ended.status, tried["error"], tried["requests"]) == (0, None, [])
    assert tried["final"]["data"] == {"id": 1}
    assert "configuration" not in tried["final"]


def test_the_query_string_is_in_the_state_a_job_begins_with(attempt):
    tried = json.loads(attempt("--dry-run", "--json", "--query", "?site=A&site=B&x=").out)
    assert tried["final"]["request"]["query_params"] == {"site": ["A", "B"], "x": ""}


def test_a_job_that_fails_is_told_with_its_line_and_what_it_printed(attempt, posting):
    posting.write("body.json", '{"name": null}')
    posting.write("jobs/go.py", POSTING + "\nfn(lambda state: state['data']['nam'])\n")
    ended = attempt("--dry-run")
    assert ended.status == 1
    assert "seen :100:" in ended.out
    assert "go failed: line 13, fn: KeyError: 'nam'" in ended.out
    tried = json.loads(attempt("--dry-run", "--json").out)
    assert (tried["error"]["line"], tried["error"]["operation"]) == (13, "fn")
    assert tried["final"] is None
    assert len(tried["requests"]) == 1


def test_a_job_that_needs_a_credential_and_is_given_none_says_which_line_needs_it(attempt):
    ended = attempt()
    assert ended.status == 1
    assert "go failed: line 11, post: ConfigurationError" in ended.out
    assert "baseUrl" in ended.out


@pytest.mark.parametrize("content", ["not json", "[]", "", b"\xff\xfe\x00"], ids=ascii)
def test_a_credential_that_is_no_json_object_is_refused_and_not_shown(attempt, posting, content):
    file = posting.write("secret.json", content)
    ended = attempt("--credential", file)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == f'{file} is not a JSON object such as {{"baseUrl": "https://…"}}\n'


def test_what_the_terminal_cannot_show_is_escaped_and_no_crash(posting):
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
    assert ran.stdout == ('form does not match: formId: wants "registration", has "Zo\\xe9"\n')


@pytest.fixture
def nightly(ofn, project):
    """Try a job of the clock that emits, with more options."""
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


def test_a_job_of_the_clock_is_tried_on_no_state_or_on_a_given_one(nightly, project):
    final = json.loads(nightly("--json").out)["final"]
    assert (final["count"], len(final["scheduled"])) == (1, 20)
    state = project.write("state.json", '{"count": 4}')
    ended = nightly("--state", state)
    assert 'would emit to field\n  {"count": 5}\n' in ended.out


@pytest.mark.parametrize(
    ("content", "words"), [("{", "is not JSON"), ("[1]", "is not a state: a JSON object belongs")]
)
def test_a_state_that_is_none_is_said_in_words(nightly, project, content, words):
    ended = nightly("--state", project.write("state.json", content))
    assert (ended.status, ended.out) == (1, "")
    assert words in ended.words


def test_a_job_of_messages_is_tried_on_a_body(ofn, project):
    ended = ofn("try", "go", "--project", project.folder)
    assert ended.status == 1
    assert "go runs on messages: give a file with the body of a post" in ended.words
