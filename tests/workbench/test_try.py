"""`ofn try --dry-run` shows everything that a job would do."""

from __future__ import annotations

import json

import pytest

from tests.workbench.conftest import GOOD
from workbench.testing import run_job

WITH_CREDENTIAL = GOOD.replace("trigger: form\n", "trigger: form\n    credential: remote\n")
SECRET = "s3cr3t-Zm9v"
ROWS = """
from adaptors.postgresql import upsert_many

upsert_many("child", "id", lambda state: state["data"]["children"])
"""
CHILDREN = [{"id": number, "name": f"child {number}"} for number in range(1, 4)]
POLL = """
from adaptors.common import each, fn
from adaptors.http import get, post

get("visits")
each("[*]", post("records", lambda state: {"id": state["data"]["id"]}))
"""


@pytest.fixture
def dry_run(ofn, project):
    """Run `ofn try --dry-run` with a job's code and a credential of an adaptor."""

    def run(code, *arguments, adaptor="http", yaml=WITH_CREDENTIAL):
        project.write("project.yaml", f"{yaml}credentials: {{remote: {{adaptor: {adaptor}}}}}\n")
        project.write("jobs/go.py", code)
        return ofn("try", "go", *arguments, "--dry-run", "--project", project.folder)

    return run


def post_of(project, body):
    return project.write("post.json", json.dumps(body))


def test_every_row_of_a_statement_is_shown(dry_run, project):
    post = post_of(project, {"formId": "registration", "children": CHILDREN})
    ended = dry_run(ROWS, post, adaptor="postgresql")
    shown = [line for line in ended.out.splitlines() if line.startswith("  ['")]
    assert shown == [f"  ['{number}', 'child {number}']" for number in (1, 2, 3)]
    (statement,) = json.loads(dry_run(ROWS, post, "--json", adaptor="postgresql").out)["requests"]
    assert (statement["rows"], statement["values"]) == (3, ["1", "child 1"])
    assert statement["row_values"][2] == ["3", "child 3"]


def test_tests_of_a_job_see_every_row(dry_run, project):
    body = {"formId": "registration", "children": CHILDREN}
    assert dry_run(ROWS, post_of(project, body), adaptor="postgresql").status == 0
    (statement,) = run_job("go", body, project=project.folder).requests
    assert statement.rows == len(statement.rows) == 3
    assert statement.rows[2].values == ("3", "child 3")
    assert statement.rows[2].columns == ("id", "name")


def test_path_to_nothing_is_named(dry_run, project):
    code = "from adaptors.common import data_value\nfrom adaptors.http import post\n"
    code += "post('records', {'risk': data_value('properties.risc')})\n"
    ended = dry_run(code, post_of(project, {"formId": "registration", "properties": {}}))
    assert "No value at properties.risc." in ended.out


def test_post_that_the_trigger_does_not_match_has_a_warning(dry_run, project):
    post = post_of(project, {"formId": "visit"})
    ended = dry_run("from adaptors.common import fn\nfn(lambda state: state)\n", post)
    assert ended.status == 0
    assert "warning: The trigger form does not match this post" in ended.words
    assert "formId" in ended.words
    ended = dry_run("from adaptors.common import fn\nfn(lambda state: state)\n", post, "--json")
    assert "formId" in json.loads(ended.out)["trigger_mismatch"]


SEVERAL = WITH_CREDENTIAL.replace("trigger: form", "trigger: [form, clock, visit]").replace(
    "jobs:", "  clock: {cron: '0 1 * * *'}\n  visit: {inclusion: [{a: 1}, {b: 1}]}\njobs:"
)
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


def test_post_that_one_of_several_triggers_matches_has_no_warning(dry_run, project):
    assert dry_run(NOTHING, post_of(project, {"b": 1}), yaml=SEVERAL).err == ""
    ended = dry_run(NOTHING, post_of(project, {"b": 2}), yaml=SEVERAL)
    assert "warning: The triggers form, visit do not match this post, so a" in ended.words
    assert "form: formId: expected" in ended.words
    assert (
        "visit: inclusion 1: a: expected 1, but there is no such key; inclusion 2:" in ended.words
    )


def test_job_of_a_message_and_cron_needs_no_post(dry_run):
    ended = dry_run(NOTHING, "--json", yaml=SEVERAL)
    assert list(json.loads(ended.out)["final"]) == ["scheduled", "references"]


def test_polling_job_gets_the_responses_of_files(dry_run, project):
    cron = WITH_CREDENTIAL.replace("inclusion: {formId: registration}", "cron: '0 1 * * *'")
    visits = project.write("visits.json", '[{"id": 7}, {"id": 8}]')
    ended = dry_run(POLL, "--response", f"GET={visits}", "--json", yaml=cron)
    requests = json.loads(ended.out)["requests"]
    assert [request["method"] for request in requests] == ["GET", "POST", "POST"]
    assert json.loads(requests[2]["body"]) == {"id": 8}
    assert ended.err == ""
    unused = dry_run(
        POLL, "--response", f"GET={visits}", "--response", f"PUT x={visits}", yaml=cron
    )
    assert "warning: unused response: 'PUT x' has 1 answer but was used 0 times" in unused.words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--response", "GET"), "--response GET has no file."),
        (("--response", "GET=nowhere.json"), "nowhere.json cannot be read: No such file"),
        (("--message", "abcd1234", "POST"), "but only one of them"),
        (("nowhere.json",), "nowhere.json' does not exist"),
    ],
)
def test_invalid_options_are_errors(dry_run, project, arguments, message):
    post = post_of(project, {"formId": "registration"})
    words = [post if word == "POST" else word for word in arguments]
    ended = dry_run("from adaptors.common import fn\nfn(lambda state: state)\n", *words)
    assert ended.status != 0
    assert message in ended.words


def test_response_without_a_dry_run_is_an_error(ofn, project):
    ended = ofn("try", "go", "--response", "GET=x.json", "--project", project.folder)
    assert (ended.status, ended.words) == (
        1,
        "--response needs --dry-run: nothing is sent then.",
    )


def test_secrets_are_masked_in_everything_that_is_shown(dry_run, project):
    code = f"{ROWS}\nfrom adaptors.common import fn\nfn(lambda s: print(s['configuration']))\n"
    credential = {"host": "db.example.org", "database": "d", "user": "u", "password": SECRET}
    file = project.write("remote.json", json.dumps(credential))
    body = {"formId": "registration", "children": [*CHILDREN, {"id": 9, "name": SECRET}]}
    for option in ((), ("--json",)):
        ended = dry_run(
            code, post_of(project, body), "--credential", file, *option, adaptor="postgresql"
        )
        assert "child 3" in ended.out
        assert SECRET not in ended.out + ended.err
