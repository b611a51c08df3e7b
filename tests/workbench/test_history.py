"""`ofn status`, `messages`, `runs`, `show` and `logs` on a stack with all kinds of messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from openfn import ids as identifiers
from openfn.history.runs import RunSummary
from openfn.project.triggers import Kind
from openfn.runs.model import RunStatus
from openfn.storage import table
from tests.conftest import post, write_project
from tests.support.fake_destination import FakeDestination
from tests.support.moto_stack import create_stack
from workbench.cli import history
from workbench.cli.run_tables import describe

PROJECT = """
inboxes:
  inbox-a: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
  inbox-b: {id_sha256: "1111111111111111111111111111111111111111111111111111111111111111"}
triggers:
  good: {inclusion: {kind: good}}
  bad: {inclusion: {kind: bad}}
  away: {inclusion: {kind: away}}
  after: {success: good}
credentials:
  remote: {adaptor: http}
jobs:
  good: {trigger: good, expression: jobs/good.py}
  bad: {trigger: bad, expression: jobs/bad.py}
  away: {trigger: away, credential: remote, expression: jobs/away.py}
  after: {trigger: after, expression: jobs/quiet.py}
"""
JOBS = {
    "good": "from adaptors.common import fn, log\nlog('seen', lambda s: s['data']['n'])\n",
    "quiet": "from adaptors.common import fn\nfn(lambda state: state)\n",
    "bad": "from adaptors.common import fn\nfn(lambda state: {}['village'])\n",
    "away": "from adaptors.http import post\npost('records', {'a': 1})\n",
}


def body_of(kind, number=0):
    return json.dumps({"kind": kind, "n": number})


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """A stack, its project's folder, and the ids of its messages by name."""
    folder, ids, remote = tmp_path_factory.mktemp("project"), {}, FakeDestination()
    write_project(folder, PROJECT, JOBS)
    remote.default_status = 503
    with remote.running(), create_stack(folder) as stack:
        stack.set_credential("remote", {"baseUrl": remote.url})
        for name, body in (
            ("good", body_of("good", 1)),
            ("other", body_of("nobody's")),
            ("unreadable", "neither JSON nor XML"),
            ("bad", body_of("bad")),
            ("away", body_of("away")),
            ("good again", body_of("good", 2)),
        ):
            ids[name] = post(stack, body)["headers"]["X-Message-Id"]
        stack.drain()
        yield stack, folder, ids


@pytest.fixture
def query(ofn, deployment):
    """Run a command on the stack and return its JSON."""

    def run_query(*arguments):
        ended = ofn(*arguments, "--project", deployment[1], "--json")
        assert (ended.err, ended.status) == ("", 0)
        return json.loads(ended.out)

    return run_query


def test_messages_are_listed_newest_first_with_state_and_runs(query, deployment):
    _, _, ids = deployment
    rows = query("messages")
    assert [row["id"] for row in rows] == sorted(ids.values(), reverse=True)
    by_id = {row["id"]: row for row in rows}
    states = {name: by_id[message_id]["state"] for name, message_id in ids.items()}
    assert states == {
        "good": "matched",
        "other": "unmatched",
        "unreadable": "unreadable",
        "bad": "matched",
        "away": "matched",
        "good again": "matched",
    }
    assert [run["job"] for run in by_id[ids["good"]]["runs"]] == ["after", "good"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--state", "unmatched"), ["other"]),
        (("--state", "unreadable"), ["unreadable"]),
        (("--job", "bad"), ["bad"]),
        (("--error", "VILLAGE"), ["bad"]),
        (("--search", "NOBODY's"), ["other"]),
        (("--search", "kind", "--state", "unmatched"), ["other"]),
        (("--inbox", "inbox-a", "--limit", "1"), ["good again"]),
        (("--since", "2026-01-01", "--until", "2026-01-02"), []),
    ],
)
def test_messages_can_be_filtered(query, deployment, options, expected):
    _, _, ids = deployment
    assert [row["id"] for row in query("messages", *options)] == [ids[name] for name in expected]


def test_list_whose_time_is_up_names_the_option_that_continues_it(ofn, deployment, monkeypatch):
    _, folder, ids = deployment
    monkeypatch.setattr(history, "SECONDS", -1.0)
    ended = ofn("messages", "--search", "nobody's", "--project", folder)
    assert ended.out == ""
    assert "Searched back to 20" in ended.err
    assert f"`--before {ids['good again']}`" in " ".join(ended.err.split())
    ended = ofn("runs", "--job", "bad", "--project", folder, "--json")
    assert json.loads(ended.out) == []
    assert f"`--before '{ids['good again']}#good'`" in " ".join(ended.err.split())


def test_next_page_continues_after_the_last_id(query, ofn, deployment):
    all_ids = [row["id"] for row in query("runs")]
    page = ofn("runs", "--limit", "2", "--project", deployment[1])
    assert f"--before '{all_ids[1]}'" in page.err
    assert [line.split()[0] for line in page.out.splitlines()] == all_ids[:2]
    rest = query("runs", "--before", all_ids[1])
    assert [row["id"] for row in rest] == all_ids[2:]


@pytest.mark.parametrize(
    ("options", "jobs"),
    [
        ((), ["good", "after", "away", "bad", "good", "after"]),
        (("--state", "failed"), ["bad"]),
        (("--state", "waiting"), ["away"]),
        (("--job", "good"), ["good", "good"]),
        (("--error", "no such"), []),
        (("--inbox", "inbox-a", "--state", "failed"), ["bad"]),
        (("--inbox", "inbox-b"), []),
    ],
)
def test_runs_can_be_filtered_newest_first(query, deployment, options, jobs):
    assert [row["job"] for row in query("runs", *options)] == jobs


def test_waiting_run_shows_its_error_and_next_attempt(ofn, deployment):
    printed = ofn("runs", "--state", "waiting", "--project", deployment[1]).out
    assert "RemoteUnavailable" in printed
    # It is due within seconds, so on a slow machine it is already due.
    assert "attempt 2 in" in printed or "attempt 2 is due" in printed


@pytest.mark.parametrize(
    ("minutes", "description"), [(5.5, "attempt 2 in 5m"), (-5, "attempt 2 is due")]
)
def test_next_attempt_is_in_the_future_or_due(minutes, description):
    now = datetime.now(UTC)
    run = RunSummary(
        id="0#away",
        job="away",
        trigger="away",
        kind=Kind.MESSAGE,
        status=RunStatus.WAITING,
        attempt=1,
        received=now,
        duration_ms=3,
        error=None,
        next=now + timedelta(minutes=minutes),
        upstream=None,
    )
    assert describe(run) == description


def test_message_is_shown_with_runs_and_with_body_on_request(ofn, query, deployment):
    _, folder, ids = deployment
    message = query("show", ids["good"])
    assert message["inbox"] == "inbox-a"
    assert message["runs"][f"{ids['good']}#good"].startswith("succeeded")
    assert "body" not in message
    assert query("show", ids["good"], "--body")["body"] == body_of("good", 1)
    assert "unreadable" in ofn("show", ids["unreadable"], "--project", folder).out


def test_run_is_shown_with_error_attempts_log_and_follow_ups(query, deployment):
    _, _, ids = deployment
    good = query("show", f"{ids['good']}#good")
    assert good["log"].strip() == "seen 1"
    assert good["followed_by"] == [f"{ids['good']}#after"]
    bad = query("show", f"{ids['bad']}#bad", "--body")
    assert (bad["error"]["type"], bad["initial"]["data"]["kind"]) == ("KeyError", "bad")
    assert "initial" not in query("show", f"{ids['bad']}#bad")


def test_logs_show_what_a_run_printed_and_follow_ends_with_the_run(ofn, deployment):
    _, folder, ids = deployment
    ended = ofn("logs", f"{ids['good']}#good", "--follow", "--project", folder)
    assert (ended.status, ended.out.splitlines()[-1]) == (0, "seen 1")
    assert (
        "The run printed nothing." in ofn("logs", f"{ids['good']}#after", "--project", folder).out
    )


def test_logs_of_a_failed_run_show_its_error_and_source_line(ofn, deployment):
    _, folder, ids = deployment
    printed = ofn("logs", f"{ids['bad']}#bad", "--project", folder).out.splitlines()
    assert printed[-2:] == [
        "line 2, fn: KeyError: 'village'",
        f"  {folder}/jobs/bad.py:2: fn(lambda state: {{}}['village'])",
    ]


@pytest.mark.parametrize("project", ["nowhere", "invalid"])
@pytest.mark.parametrize(
    "command", ["messages", "runs", "status", "show ID", "logs ID#bad", "cost", "replay ID#bad"]
)
def test_looking_needs_no_valid_project(ofn, deployment, tmp_path, project, command):
    _, _, ids = deployment
    (tmp_path / "invalid").mkdir()
    (tmp_path / "invalid/project.yaml").write_text("name: [", "utf-8")
    arguments = command.replace("ID", ids["bad"]).split()
    dry = ["--dry-run"] if "replay" in command else []
    ended = ofn(*arguments, *dry, "--project", tmp_path / project)
    assert ended.status == 0, ended.err
    assert ended.out


def test_end_of_an_id_is_enough_if_it_is_unique(query, ofn, deployment):
    _, folder, ids = deployment
    good, last_digits = ids["good"], f"…{ids['good'][-12:]}"
    assert query("show", last_digits)["message"] == good
    assert query("show", f"{good[-12:]}#good")["run"] == f"{good}#good"
    assert query("dead-letters", "show", last_digits)["id"] == good
    assert query("runs", "--before", f"{good[-12:]}#good") == query(
        "runs", "--before", f"{good}#good"
    )
    assert query("replay", f"{good[-12:]}#good", "--dry-run")["selected"] == 1
    assert query("erase", good[-12:], "--dry-run")["selected"] == [good]
    assert ofn("logs", ids["bad"][-12:], "--project", folder).out.startswith(f"{ids['bad']}#bad")
    several = ofn("logs", last_digits, "--project", folder).err
    assert f"Name a run of the message {good}: {good}#after, {good}#good." in several


def test_end_of_several_ids_or_of_none_is_an_error(ofn, deployment):
    stack, folder, ids = deployment
    message = table.get([identifiers.key_of(ids["other"])])[0]
    other = f"{ids['other'][:9]}0000{ids['other'][13:]}"
    table.put(message | identifiers.key_of(other))
    try:
        ended = ofn("show", ids["other"][-12:], "--project", folder)
    finally:
        boto3.resource("dynamodb").Table(stack.resources.physical_ids["Table"]).delete_item(
            Key=identifiers.key_of(other)
        )
    assert f"Several ids end with {ids['other'][-12:]}: {other}, {ids['other']}. " in ended.err
    assert "No id ends with 00000000." in ofn("show", "00000000", "--project", folder).err


@pytest.mark.parametrize("command", ["show", "logs"])
@pytest.mark.parametrize("identifier", ["nonsense", "nonsense#job"])
def test_unknown_id_is_an_error(ofn, deployment, command, identifier):
    ended = ofn(command, identifier, "--project", deployment[1])
    assert ended.status == 1
    assert f"No {'message' if command == 'show' and '#' not in identifier else 'run'} with id " in (
        ended.err
    )


def test_status_counts_what_came_failed_and_waits(ofn, query, deployment):
    stack, folder, _ = deployment
    boto3.client("sqs").send_message(
        QueueUrl=stack.resources.physical_ids["RunDeadLetters"],
        MessageBody="{}",
        MessageGroupId="g",
        MessageDeduplicationId="d",
    )
    dimensions = [{"Name": "service", "Value": "inbox"}]
    boto3.client("cloudwatch").put_metric_data(
        Namespace="OpenFn/openfn",
        MetricData=[
            {"MetricName": name, "Value": count, "Timestamp": datetime.now(UTC)}
            | {"Dimensions": dimensions}
            for name, count in (("Answers404", 3), ("QueriesIgnored", 2))
        ],
    )
    for name in ("openfn-FailedRunsAlarm-1A2B", "openfn-staging-FailedRunsAlarm-1A2B"):
        boto3.client("cloudwatch").put_metric_alarm(
            AlarmName=name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1
        )
        boto3.client("cloudwatch").set_alarm_state(
            AlarmName=name, StateValue="ALARM", StateReason="a test"
        )
    status = query("status")
    assert status["alarms"] == ["openfn-FailedRunsAlarm-1A2B"]
    assert status["refused"] == {"404": 3}
    assert status["queries_ignored"] == 2
    assert status["messages"] == {"matched": 4, "unmatched": 1, "unreadable": 1}
    assert status["runs"] == {"succeeded": 4, "failed": 1, "waiting": 1}
    assert (status["failed"], status["circuits"]) == (1, [])
    assert status["queues"]["RunDeadLetters"]["waiting"] == 1
    printed = ofn("status", "--project", folder).out
    assert "1 RunDeadLetters" in printed
    assert "total failed  1" in printed


def test_invalid_times_and_unknown_names_are_errors(ofn, deployment):
    assert (
        "--since soon is not a time."
        in ofn("runs", "--since", "soon", "--project", deployment[1]).err
    )
    assert "has no job x" in ofn("runs", "--job", "x", "--project", deployment[1]).err
    late = ofn("runs", "--since", "1h", "--until", "2h", "--project", deployment[1])
    assert "is later than" in late.err
    assert RunStatus.FAILED in ofn("runs", "--help").out
