"""What CloudWatch shows and watches is what the functions count, and each alarm goes off."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from openfn import dispatch, replays, runs
from openfn.metrics import Metric
from tests.conftest import Lines, hooked, post, tick, without_queue, write_project
from tests.monitoring.cloudwatch_alarms import World
from tests.remote import Remote
from workbench.stack import created

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
RESOURCES = TEMPLATE["Resources"]
OURS = "OpenFn/${AWS::StackName}"
DEFAULTS = {name: each.get("Default") for name, each in TEMPLATE["Parameters"].items()}
FUNCTIONS = {"inbox": "InboxFunction", "matcher": "MatcherFunction", "runner": "RunnerFunction"}


def of_type(kind):
    return {
        name: each["Properties"]
        for name, each in RESOURCES.items()
        if each["Type"] == f"AWS::{kind}"
    }


ALARMS = of_type("CloudWatch::Alarm")
QUERIES = of_type("Logs::QueryDefinition")
DASHBOARD = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])


def shown():
    """Give the metrics of the dashboard: namespace, name, dimension and its value."""
    found = set()
    for widget in DASHBOARD["widgets"]:
        last = []
        for row in widget["properties"].get("metrics", []):
            parts = [part for part in row if not isinstance(part, dict)]
            if parts[:1] == ["..."]:
                parts = [*last[: len(last) - len(parts) + 1], *parts[1:]]
            parts = [last[n] if part == "." else part for n, part in enumerate(parts)]
            if parts:
                found.add(tuple(parts))
                last = parts
    return found


def watched():
    """Give the metrics of the alarms in the namespace of the stack."""
    world = World(DEFAULTS)
    return {world.name(each) for each in ALARMS.values() if "MetricName" in each}


def counted(logged):
    """Give all that was counted: values by metric and service."""
    found = defaultdict(list)
    for _, line in logged:
        if '"_aws"' in line:
            event = json.loads(line)
            (about,) = event["_aws"]["CloudWatchMetrics"]
            assert about["Namespace"] == "OpenFn/openfn"
            assert about["Dimensions"] == [["service"]]
            for metric in about["Metrics"]:
                found[metric["Name"], event["service"]] += event[metric["Name"]]
    return found


# What is counted is shown


def test_the_dashboard_and_the_alarms_know_all_that_is_counted_and_nothing_else():
    ours = {name for space, name, *_ in shown() if space == OURS}
    ours |= {name for space, name, _ in watched() if space == "OpenFn/openfn"}
    assert ours == set(Metric)


def test_every_metric_is_counted_by_a_function_and_every_status_of_an_answer_is_one():
    text = "\n".join(path.read_text("utf-8") for path in ROOT.glob("functions/*/app.py"))
    statuses = set(re.findall(r"_(?:say|refuse)\(\s*(\d+)", text))
    assert {f"Answers{status}" for status in statuses} == {
        metric for metric in Metric if metric.startswith("Answers")
    }
    for metric in Metric:
        assert metric.startswith("Answers") or f"Metric.{metric.name}" in text, metric


def test_the_dashboard_names_each_metric_with_the_function_that_counts_it(eventful):
    pairs = {(name, value) for space, name, _, value in shown() if space == OURS}
    assert set(counted(eventful.logged)) <= pairs


def test_a_busy_stack_counts_nearly_all_there_is(eventful):
    found = {name for name, _ in counted(eventful.logged)}
    rare = {Metric.TIMED_OUT, Metric.CIRCUITS_OPENED, Metric.TOO_LARGE, Metric.NOT_ADMITTED}
    assert set(Metric) - found <= rare


# Each alarm goes off, and is quiet while all is well

PROJECT = """
    triggers:
      good: {inclusion: {kind: good}}
      bad: {inclusion: {kind: bad}}
      away: {inclusion: {kind: away}}
      tell: {inclusion: {kind: tell}}
      hourly: {cron: "0 * * * *"}
    credentials:
      remote: {adaptor: http}
    jobs:
      good: {trigger: good, expression: jobs/good.py}
      bad: {trigger: bad, expression: jobs/bad.py}
      away: {trigger: away, credential: remote, expression: jobs/away.py}
      tell: {trigger: tell, expression: jobs/tell.py}
      hourly: {trigger: hourly, expression: jobs/good.py}
"""
GOOD = "from adaptors.common import fn\nfn(lambda state: state)\n"
JOBS = {
    "good": GOOD,
    "bad": "from adaptors.common import fn\nfn(lambda state: 1 / 0)\n",
    "away": "from adaptors.http import post\npost('records', {'a': 1})\n",
    "tell": "from adaptors.common import emit\nemit('inbox-a', {'kind': 'good'})\n",
}


def body(kind):
    return json.dumps({"kind": kind})


@pytest.fixture
def busy(made_of, logged):
    """A stack in which all is well."""
    made = made_of(PROJECT, **JOBS)
    _live_well(made)
    return made


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """What CloudWatch knows of a stack in which all is well, and what it logged."""
    folder, lines = tmp_path_factory.mktemp("project"), Lines()
    write_project(folder, PROJECT, JOBS)
    with created(folder, lambda *each: lines.append(each)) as made:
        _live_well(made)
        return SimpleNamespace(values=world(made, lines).values, logged=lines)


@pytest.fixture
def known(calm):
    """Give CloudWatch as it is while all is well, with parameters of the stack."""
    return lambda **parameters: World({**DEFAULTS, **parameters}, dict(calm.values))


def _live_well(made):
    for kind in ("good", "tell", "other"):
        post(made, body(kind))
    made.settle()
    tick(made, "2026-03-09T10:00:00Z")
    made.settle()


@pytest.fixture(scope="module")
def eventful(tmp_path_factory):
    """What a stack logged in which there was all kinds of trouble."""
    folder, lines = tmp_path_factory.mktemp("project"), Lines()
    write_project(folder, PROJECT, JOBS)
    with created(folder, lambda *each: lines.append(each)) as made:
        _live_well(made)
        _live_badly(made)
    return SimpleNamespace(logged=lines)


def _live_badly(busy):
    remote = Remote()
    remote.otherwise = 503
    with remote.running():
        busy.set_credential("remote", {"baseUrl": remote.url})
        for _ in range(5):
            post(busy, body("away"))
        busy.settle()
    post(busy, body("bad"))
    busy.settle()
    post(busy, "neither JSON nor XML")
    post(busy, "{}", inbox="no-such-inbox")
    with hooked("before-call.dynamodb.PutItem", _fail):
        post(busy, body("good"))
    with without_queue(busy, "MATCH_QUEUE_URL"):
        post(busy, body("good"))
    tick(busy, "2026-03-09T10:01:00Z")
    busy.settle()


def _fail(**_):
    raise ConnectionError("DynamoDB is away")


def world(made, logged, **parameters):
    """Give CloudWatch as it would be after what the stack has logged and has on its queues."""
    found = World({**DEFAULTS, **parameters})
    for (name, service), values in counted(logged).items():
        level = name == Metric.CIRCUITS_OPEN
        found.values["OpenFn/openfn", name, service] = [max(values) if level else sum(values)]
    refused = sum(counted(logged)["Answers503", "inbox"])
    found.values["AWS/ApiGateway", "5xx", "Api"] = [refused]
    sqs = boto3.client("sqs")
    for name in ("MatchQueue", "RunQueue", "MatchDeadLetters", "RunDeadLetters"):
        url = made.resources.physical_ids[name]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        count = int(answer["ApproximateNumberOfMessages"])
        found.values["AWS/SQS", "ApproximateNumberOfMessagesVisible", name] = [count]
        found.values["AWS/SQS", "ApproximateAgeOfOldestMessage", name] = [_age(sqs, url)]
    # A clock that runs, and functions that neither fail nor are refused.
    ticks = found.values.get(("OpenFn/openfn", "Ticks", "matcher"), [0])
    found.values["OpenFn/openfn", "Ticks", "matcher"] = ticks * 2
    return found


def _age(sqs, url):
    answer = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, AttributeNames=["All"])
    sent = [int(each["Attributes"]["SentTimestamp"]) for each in answer.get("Messages", [])]
    return time.time() - min(sent) / 1000 if sent else 0


def ringing(found):
    return {name for name, alarm in ALARMS.items() if found.in_alarm(alarm)} - (
        set() if found.parameters["QuietHours"] else {"NoPostsAlarm"}
    )


def test_no_alarm_goes_off_while_all_is_well(known):
    assert ringing(known(QuietHours=1)) == set()


def test_a_run_that_fails_is_an_alarm_unless_so_many_are_none(busy, logged):
    post(busy, body("bad"))
    busy.settle()
    assert ringing(world(busy, logged)) == {"FailedRunsAlarm"}
    assert ringing(world(busy, logged, MaxFailedRuns=1)) == set()


def test_a_post_that_is_not_kept_is_an_alarm(busy, logged):
    with hooked("before-call.dynamodb.PutItem", _fail):
        assert post(busy, body("good"))["statusCode"] == 503
    assert ringing(world(busy, logged)) == {"InboxErrorsAlarm"}


def test_an_id_that_stays_on_its_queue_is_an_alarm_once_it_is_late(busy, logged):
    post(busy, body("good"))
    found = world(busy, logged)
    assert ringing(found) == set()
    name = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "MatchQueue")
    assert found.values[name][0] > 0
    found.values[name] = [15 * 60 + 1]
    assert ringing(found) == {"MatchQueueAgeAlarm"}
    assert ringing(World({**found.parameters, "MaxQueueMinutes": 16}, found.values)) == set()


def test_a_run_that_stays_on_its_queue_is_an_alarm_once_it_is_late(known):
    found = known()
    found.values["AWS/SQS", "ApproximateAgeOfOldestMessage", "RunQueue"] = [15 * 60 + 1]
    assert ringing(found) == {"RunQueueAgeAlarm"}


@pytest.mark.parametrize("queue", ["Match", "Run"])
def test_a_dead_letter_is_an_alarm(busy, logged, queue):
    url = busy.resources.physical_ids[f"{queue}DeadLetters"]
    boto3.client("sqs").send_message(
        QueueUrl=url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )
    assert ringing(world(busy, logged)) == {f"{queue}DeadLettersAlarm"}


def test_a_destination_away_for_a_quarter_of_an_hour_is_an_alarm(busy, logged):
    remote = Remote()
    remote.otherwise = 503
    with remote.running():
        busy.set_credential("remote", {"baseUrl": remote.url})
        for _ in range(5):
            post(busy, body("away"))
        busy.settle()
    tick(busy, "2026-03-09T10:01:00Z")
    name = ("OpenFn/openfn", "CircuitsOpen", "matcher")
    found = world(busy, logged)
    assert found.values[name] == [1]
    assert ringing(found) == set()
    found.values[name] = [1, 1, 1]
    assert ringing(found) == {"CircuitOpenAlarm"}


def test_a_clock_that_does_not_tick_is_an_alarm(known):
    found = known()
    found.values["OpenFn/openfn", "Ticks", "matcher"] = [None, None]
    assert ringing(found) == {"NoTicksAlarm"}


def test_a_tick_that_fails_is_not_counted(busy, logged):
    del logged[:]
    with hooked("before-call.dynamodb.Query", _fail), pytest.raises(ConnectionError):
        tick(busy, "2026-03-09T10:01:00Z")
    assert ("Ticks", "matcher") not in counted(logged)


def test_silence_is_an_alarm_where_posts_are_expected(known):
    found = known(QuietHours=2)
    assert ringing(found) == set()
    found.values["OpenFn/openfn", "Answers200", "inbox"] = [None, None, 7]
    assert ringing(found) == {"NoPostsAlarm"}


@pytest.mark.parametrize("function", FUNCTIONS.values())
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_a_function_that_dies_or_is_refused_again_and_again_is_an_alarm(known, metric, function):
    found = known()
    found.values["AWS/Lambda", metric, function] = [1, None, None]
    assert ringing(found) == set()
    found.values["AWS/Lambda", metric, function] = [None, 1, 2]
    name = {"Errors": "FunctionErrorsAlarm", "Throttles": "ThrottlesAlarm"}[metric]
    assert ringing(found) == {name}


def test_every_alarm_has_a_runbook_and_tells_somebody_through_one_of_two():
    text = (ROOT / "docs/operate.md").read_text("utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    composites = of_type("CloudWatch::CompositeAlarm")
    for name, alarm in {**ALARMS, **composites}.items():
        (anchor,) = re.findall(r"docs/operate\.md#([a-z-]+)", alarm["AlarmDescription"])
        assert anchor in anchors, name
    rules = json.dumps([each["AlarmRule"] for each in composites.values()])
    assert all(f'ALARM(\\"${{{name}}}\\")' in rules for name in ALARMS)
    assert all(each["AlarmActions"] == [{"Ref": "Alerts"}] for each in composites.values())


def test_the_dashboard_shows_every_alarm_that_is_always_there():
    (widget,) = [each for each in DASHBOARD["widgets"] if each["type"] == "alarm"]
    there = {*ALARMS, *of_type("CloudWatch::CompositeAlarm")} - {"NoPostsAlarm"}
    assert set(widget["properties"]["alarms"]) == {f"${{{name}.Arn}}" for name in there}


def test_a_run_on_an_old_message_run_again_says_nothing_of_how_long_delivery_takes(busy, logged):
    names = ("RunDuration", "DeliveryTime")
    before = [len(counted(logged)[name, "runner"]) for name in names]
    (kept, *_) = [event["message_id"] for event in logged.events("message matched")]
    run_id = f"{kept}#good"
    replays.replay(runs.read(run_id))
    dispatch.queue([runs.read(run_id).plan])
    busy.settle()
    assert runs.read(run_id).replayed
    after = [len(counted(logged)[name, "runner"]) for name in names]
    assert after == [before[0] + 1, before[1]]
    assert before[1] > 0


# Each saved query finds what it asks for


def fields_of(query):
    words = set(re.findall(r"(?:fields|by) ([a-z_@, ]+)", query))
    names = {name.strip() for each in words for name in each.split(",")}
    names |= set(re.findall(r"filter (\w+) ", query)) | set(re.findall(r"latest\((\w+)\)", query))
    return {name for name in names if name and not name.startswith("@")}


@pytest.mark.parametrize("name", QUERIES)
def test_every_field_that_a_query_names_is_in_lines_it_looks_at(eventful, name):
    query = QUERIES[name]["QueryString"]
    messages = re.findall(r'"(message \w+(?: \w+)?|run \w+)"', query)
    lines = [json.loads(line) for _, line in eventful.logged if '"_aws"' not in line]
    looked_at = [line for line in lines if not messages or line["message"] in messages]
    assert {line["message"] for line in looked_at} >= set(messages)
    missing = {field for field in fields_of(query) if not any(field in each for each in looked_at)}
    assert missing == set()


def test_the_story_of_a_message_has_all_its_stages(calm):
    lines = [json.loads(line) for _, line in calm.logged if '"_aws"' not in line]
    kept = next(each["message_id"] for each in lines if each["message"] == "message kept")
    query = QUERIES["MessageHistoryQuery"]["QueryString"]
    assert 'message_id = "PUT-THE-ID-HERE" or run_id like /^PUT-THE-ID-HERE/' in query
    story = [
        line["message"]
        for line in lines
        if line.get("message_id") == kept or line.get("run_id", "").startswith(kept)
    ]
    assert story == ["message kept", "message matched", "run succeeded"]
