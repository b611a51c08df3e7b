"""`ofn run` and `ofn match --last`: commands on a stack, deployed or of `ofn serve`."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from openfn.history import details
from openfn.runs import store as runs
from tests.conftest import post, tick
from tests.support.call_hooks import hook_aws_call

pytestmark = pytest.mark.moto

PROJECT = """
inboxes:
  inbox-a: {{id_sha256: "{digest}"}}
  inbox-b: {{id_sha256: "{digest_b}"}}
triggers:
  form: {{inclusion: {{form: {form}}}}}
  clock: {{cron: "0 1 * * *"}}
jobs:
  job-a: {{trigger: form, expression: jobs/a.py}}
  also-a: {{trigger: form, expression: jobs/a.py}}
  nightly: {{trigger: clock, expression: jobs/night.py}}
"""
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"
NIGHT = """
from adaptors.common import fn

def count(state):
    print("counting", state["scheduled"][:2])
    return {**state, "count": state.get("count", 0) + 1}

fn(count)
"""


def project(form="visit"):
    return PROJECT.format(digest="0" * 64, digest_b="1" * 64, form=form)


@pytest.fixture
def deployment(create_project_stack, tmp_path):
    """A stack with two kept messages, one of which matched, and its project's folder."""
    stack = create_project_stack(project(), a=NOTHING, night=NIGHT)
    post(stack, '{"form": "visit", "n": 1}')
    post(stack, '{"form": "death", "n": 2}', inbox="inbox-b")
    stack.drain()
    return stack, tmp_path


def rows(ended):
    assert (ended.err, ended.status) == ("", 0)
    return json.loads(ended.out)


def test_stored_messages_are_matched_with_the_edited_project(ofn, deployment):
    _, folder = deployment
    same = rows(ofn("match", "--last", "2", "--project", folder, "--json"))
    assert [(row["inbox"], row["triggers"], row["changes"]) for row in same] == [
        ("inbox-b", [], False),
        ("inbox-a", ["form"], False),
    ]
    (folder / "project.yaml").write_text(f"name: test\n{project('death')}", "utf-8")
    newest, oldest = rows(ofn("match", "--last", "2", "--project", folder, "--json"))
    assert (newest["jobs"], newest["ran"], newest["changes"]) == (["also-a", "job-a"], [], True)
    assert (oldest["jobs"], oldest["ran"], oldest["changes"]) == ([], ["also-a", "job-a"], True)


def test_backtest_prints_a_line_for_each_message(ofn, deployment):
    _, folder = deployment
    (folder / "project.yaml").write_text(f"name: test\n{project('death')}", "utf-8")
    ended = ofn("match", "--last", "2", "--project", folder)
    newest, oldest, sum_ = ended.out.splitlines()
    assert newest.endswith(" matches form; would run also-a, job-a; ran nothing")
    assert oldest.endswith(" matches nothing; would run nothing; ran also-a, job-a")
    assert sum_ == "2 of 2 messages would now be handled differently than on arrival"


def test_newest_messages_come_first_up_to_the_limit(ofn, deployment):
    stack, folder = deployment
    for number in range(3, 30):
        post(stack, json.dumps({"n": number}))
    results = rows(ofn("match", "--last", "7", "--project", folder, "--json"))
    ids = [row["message_id"] for row in results]
    assert ids == sorted(ids, reverse=True)
    assert [
        json.loads(message.message.body)["n"] for message in details.newest_messages(7)
    ] == list(range(29, 22, -1))


def test_selected_trigger_explains_why_messages_do_not_match(ofn, deployment):
    _, folder = deployment
    ended = ofn(
        "match", "--last", "2", "--trigger", "form", "--inbox", "inbox-b", "--project", folder
    )
    line, _ = ended.out.splitlines()
    assert 'form: expected "visit", found "death"; ran nothing' in line


def test_unmatched_messages_are_listed_with_the_reasons_of_all_triggers(ofn, deployment):
    _, folder = deployment
    options = ("match", "--last", "5", "--state", "unmatched", "--project", folder)
    (unmatched,) = rows(ofn(*options, "--json"))
    assert unmatched["inbox"] == "inbox-b"
    assert list(unmatched["reasons"]) == ["form"]
    assert 'form: expected "visit", found "death"' in unmatched["reasons"]["form"]
    printed = ofn(*options).out.splitlines()
    assert printed[1:3] == [
        unmatched["message_id"],
        f"  form: {unmatched['reasons']['form']}",
    ]


def test_stored_message_is_matched_by_its_id_or_its_end(ofn, deployment):
    _, folder = deployment
    newest, oldest = details.newest_messages(2)
    matched = ofn("match", oldest.message.id[-12:], "--project", folder)
    assert matched.out == "form matches, runs job-a, also-a\n"
    unmatched = ofn("match", newest.message.id, "--project", folder)
    assert 'form: expected "visit", found "death"' in unmatched.out
    assert "does not exist, and this is no id" in ofn("match", "nope", "--project", folder).words


def test_job_is_tried_on_a_stored_message(ofn, deployment):
    _, folder = deployment
    newest, oldest = (stored.message.id for stored in details.newest_messages(2))
    ended = ofn("try", "job-a", "--message", oldest[-12:], "--project", folder, "--json")
    assert json.loads(ended.out)["final"]["data"]["form"] == "visit"
    ended = ofn("try", "job-a", "--message", newest, "--project", folder)
    assert "The trigger form does not match this post" in ended.err
    ended = ofn("try", "job-a", "--message", "0" * 12, "--project", folder)
    assert (ended.status, ended.err) == (1, "No id ends with 000000000000.\n")


def test_unreadable_and_missing_bodies_are_reported(ofn, deployment):
    stack, folder = deployment
    post(stack, "{broken")
    gone = post(stack, json.dumps({"noise": [str(n * n) for n in range(200_000)]}))
    bucket = boto3.resource("s3").Bucket(stack.resources.physical_ids["Bucket"])
    bucket.objects.filter(Prefix=f"messages/{gone['headers']['X-Message-Id']}").delete()
    newest, unreadable = rows(ofn("match", "--last", "2", "--project", folder, "--json"))
    assert "deleted from the bucket" in newest["unreadable"]
    assert unreadable["unreadable"].startswith("The body is not JSON")


def test_unmatched_message_is_stored_as_unmatched(deployment):
    unmatched, matched = details.newest_messages(2)
    assert (unmatched.summary.state, unmatched.started_jobs) == ("unmatched", ())
    assert (matched.summary.state, matched.started_jobs) == ("matched", ("also-a", "job-a"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name a file with the body of a post or a message, or use --last N."),
        (("--state", "unmatched", "POST"), "--state needs --last N."),
        (("--last", "1", "--stack", "nowhere"), "There is no stack nowhere here."),
        (("--last", "1", "--trigger", "clock"), "The project has no message trigger clock"),
        (("--last", "1", "--inbox", "x"), "The project has no inbox x. It has: inbox-a, inbox-b."),
    ],
)
def test_invalid_match_options_are_errors(ofn, deployment, arguments, message):
    ended = ofn("match", *arguments, "--project", deployment[1])
    assert (ended.status, ended.out) == (1, "")
    assert message in ended.words


def test_missing_region_is_an_error_that_says_how_to_set_it(ofn, project, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    ended = ofn("match", "--last", "1", "--project", project.folder)
    assert ended.status == 1
    assert "Set AWS_REGION" in ended.words


def test_cron_job_is_run_now_and_its_result_shown(ofn, deployment):
    stack, folder = deployment
    with stack.running():
        for count in (1, 2):
            ended = ofn("run", "nightly", "--project", folder)
            assert (ended.status, ended.err) == (0, "")
            assert ended.out.startswith("log\ncounting 20\nnightly succeeded in ")
            run = rows(ofn("run", "nightly", "--project", folder, "--json"))
            assert run["final"]["count"] == 2 * count


def test_failed_manual_run_shows_the_line_and_exits_with_status_1(
    ofn, create_project_stack, tmp_path
):
    failing = NIGHT.replace("return {", "raise ValueError('no')\n    return {")
    stack = create_project_stack(project(), a=NOTHING, night=failing)
    with stack.running():
        ended = ofn("run", "nightly", "--project", tmp_path)
    assert ended.status == 1
    assert "nightly failed in" in ended.out
    assert "line 6, fn: ValueError: no" in ended.out


def test_manual_run_without_waiting_is_queued(ofn, deployment):
    stack, folder = deployment
    ended = ofn("run", "nightly", "--wait", "0", "--project", folder)
    assert ended.out.strip().endswith("#nightly is queued")
    # In sequence with the runs that the schedule starts.
    assert runs.load(ended.out.split()[0]).plan.order == "cron"
    stack.drain()
    assert details.run(ended.out.split()[0]).status == "succeeded"


def test_job_with_several_triggers_is_matched_and_run(ofn, deployment):
    _, folder = deployment
    text = project().replace("also-a: {trigger: form", "also-a: {trigger: [form, visit, clock]")
    text = text.replace("  clock:", "  visit: {inclusion: [{n: 1}, {n: 2}]}\n  clock:")
    (folder / "project.yaml").write_text(f"name: test\n{text}", "utf-8")
    newest, oldest = rows(ofn("match", "--last", "2", "--project", folder, "--json"))
    assert (newest["jobs"], newest["triggers"]) == (["also-a"], ["visit"])
    assert (oldest["jobs"], oldest["changes"]) == (["also-a", "job-a"], False)
    post = folder / "post.json"
    post.write_text('{"form": "birth", "n": 2}')
    matched = rows(ofn("match", post, "--project", folder, "--json"))
    assert [(row["trigger"], row["matches"], row["jobs"]) for row in matched] == [
        ("form", False, ["job-a", "also-a"]),
        ("visit", True, ["also-a"]),
    ]
    run_id = ofn("run", "also-a", "--wait", "0", "--project", folder).out.split()[0]
    plan = runs.load(run_id).plan
    assert (plan.trigger, plan.kind, plan.order) == ("clock", "cron", "cron")


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("job-a", "job-a is not a cron job. Post a message to start it"),
        ("gone", "The project has no job gone. It has: job-a, also-a, nightly."),
    ],
)
def test_jobs_without_cron_and_unknown_jobs_cannot_be_run(ofn, deployment, job, message):
    ended = ofn("run", job, "--project", deployment[1])
    assert (ended.status, ended.out) == (1, "")
    assert message in ended.words


@pytest.fixture
def with_url(deployment):
    """A stack whose output says where its inboxes are, as a deployed one's does."""
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {
            "InboxUrl": {"Value": "https://abc.execute-api.eu-west-1.amazonaws.com/inbox/"}
        },
    }
    body = json.dumps(template)
    boto3.client("cloudformation").create_stack(StackName="deployed", TemplateBody=body)
    return deployment


def test_inbox_url_is_complete_with_its_id_which_is_checked(ofn, with_url):
    _, folder = with_url
    (folder / "project.yaml").write_text(
        project().replace("0" * 64, hashlib.sha256(b"the-id").hexdigest()).join(["name: t\n", ""]),
        "utf-8",
    )
    arguments = ("inbox", "url", "inbox-a", "--stack", "deployed", "--project", folder)
    address = "https://abc.execute-api.eu-west-1.amazonaws.com/inbox/"
    assert ofn(*arguments, "--id", "the-id").out.split() == [f"{address}the-id"]
    ended = ofn(*arguments)
    assert ended.out.splitlines()[0] == address
    assert "ofn inbox rotate inbox-a" in ended.err
    wrong = ofn(*arguments, "--id", "another")
    assert (wrong.status, "another" in wrong.out) == (1, False)
    assert "This is not an id of inbox-a." in wrong.err


def test_stack_without_inbox_url_says_where_urls_are_printed(ofn, deployment):
    ended = ofn("inbox", "url", "inbox-a", "--project", deployment[1])
    assert "`ofn serve` prints the URLs" in ended.err


EMITS = """
triggers: {minute: {cron: "* * * * *"}}
jobs: {nightly: {trigger: minute, expression: jobs/tell.py}}
"""


def test_messages_emitted_by_a_cron_job_are_shown(ofn, create_project_stack, tmp_path):
    stack = create_project_stack(
        EMITS, tell="from adaptors.common import emit\nemit('inbox-a', {'n': 1})\n"
    )
    tick(stack, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:00Z}")
    stack.drain()
    options = ("--project", tmp_path, "--json")
    (run,) = json.loads(ofn("runs", "--job", "nightly", *options).out)
    assert len(json.loads(ofn("show", run["id"], *options).out)["emitted"]) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            (SimpleNamespace(status_code=400), {"Error": {"Code": "Denied", "Message": "no"}}),
            "AWS refused this in stack openfn: An error occurred (Denied)",
        ),
        (EndpointConnectionError(endpoint_url="https://aws"), "AWS cannot be reached: "),
    ],
    ids=["refused", "unreachable"],
)
def test_failed_call_of_aws_is_reported_without_a_traceback(ofn, deployment, fault, expected):
    def fail(**_context):
        if isinstance(fault, Exception):
            raise fault
        return fault

    _, folder = deployment
    with hook_aws_call("before-call.dynamodb.Query", fail):
        ended = ofn("messages", "--project", folder)
    assert (ended.status, ended.out) == (1, "")
    assert expected in ended.err
