"""Each alarm is raised by its failure, and no alarm is raised while all is well."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import post, tick
from tests.monitoring.cloudwatch_alarms import MetricData
from tests.monitoring.emitted_metrics import (
    NAMESPACE,
    collect_metric_data,
    emitted_values,
)
from tests.monitoring.traffic import (
    body_of_kind,
    fail_destination,
    queue_unmatchable_message,
    raise_connection_error,
)
from tests.support.call_hooks import hook_aws_call
from tests.support.sam_template import resources_of_type
from tests.support.stack_client import client

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs/operate.md"
ALARMS = resources_of_type("AWS::CloudWatch::Alarm")
COMPOSITE_ALARMS = resources_of_type("AWS::CloudWatch::CompositeAlarm")


def active_alarms(data):
    """Return the names of the alarms that metric data raises."""
    absent = set() if data.parameters["QuietHours"] else {"NoPostsAlarm"}
    return {name for name, alarm in ALARMS.items() if data.is_in_alarm(alarm)} - absent


def test_healthy_traffic_raises_no_alarm(healthy_metrics):
    assert active_alarms(healthy_metrics(QuietHours=1)) == set()


def test_more_failed_runs_than_allowed_raise_an_alarm(healthy_stack, log_lines):
    post(healthy_stack, body_of_kind("bad"))
    healthy_stack.drain()
    assert active_alarms(collect_metric_data(healthy_stack, log_lines)) == {"FailedRunsAlarm"}
    data = collect_metric_data(healthy_stack, log_lines, MaxFailedRuns=1)
    assert active_alarms(data) == set()


def test_a_post_that_cannot_be_stored_raises_an_alarm(healthy_stack, log_lines):
    with hook_aws_call("before-call.dynamodb.PutItem", raise_connection_error):
        assert post(healthy_stack, body_of_kind("good"))["statusCode"] == 503
    assert active_alarms(collect_metric_data(healthy_stack, log_lines)) == {"InboxErrorsAlarm"}


def test_an_old_item_on_the_match_queue_raises_an_alarm(healthy_stack, log_lines):
    post(healthy_stack, body_of_kind("good"))
    data = collect_metric_data(healthy_stack, log_lines)
    assert active_alarms(data) == set()
    key = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "MatchQueue")
    assert data.values[key][0] > 0
    data.values[key] = [15 * 60 + 1]
    assert active_alarms(data) == {"MatchQueueAgeAlarm"}
    patient = MetricData({**data.parameters, "MaxQueueMinutes": 16}, data.values)
    assert active_alarms(patient) == set()


def test_an_old_item_on_the_run_queue_raises_an_alarm(healthy_metrics):
    data = healthy_metrics()
    data.values["AWS/SQS", "ApproximateAgeOfOldestMessage", "RunQueue"] = [15 * 60 + 1]
    assert active_alarms(data) == {"RunQueueAgeAlarm"}


@pytest.mark.parametrize("queue", ["Match", "Run"])
def test_a_dead_letter_raises_an_alarm(healthy_stack, log_lines, queue):
    url = healthy_stack.resources.physical_ids[f"{queue}DeadLetters"]
    client("sqs").send_message(
        QueueUrl=url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )
    data = collect_metric_data(healthy_stack, log_lines)
    assert active_alarms(data) == {f"{queue}DeadLettersAlarm"}


def test_a_circuit_that_stays_open_for_15_minutes_raises_an_alarm(healthy_stack, log_lines):
    fail_destination(healthy_stack)
    tick(healthy_stack, "2026-03-09T10:01:00Z")
    key = (NAMESPACE, "CircuitsOpen", "matcher")
    data = collect_metric_data(healthy_stack, log_lines)
    assert data.values[key] == [1]
    assert active_alarms(data) == set()
    data.values[key] = [1, 1, 1]
    assert active_alarms(data) == {"CircuitOpenAlarm"}


def test_an_unmatchable_message_raises_an_alarm(healthy_stack, log_lines):
    queue_unmatchable_message(healthy_stack)
    assert active_alarms(collect_metric_data(healthy_stack, log_lines)) == {"UnmatchableAlarm"}


def test_missing_ticks_raise_an_alarm(healthy_metrics):
    data = healthy_metrics()
    data.values[NAMESPACE, "Ticks", "matcher"] = [None, None]
    assert active_alarms(data) == {"NoTicksAlarm"}


def test_a_tick_that_fails_is_not_counted(healthy_stack, log_lines):
    del log_lines[:]
    with (
        hook_aws_call("before-call.dynamodb.Query", raise_connection_error),
        pytest.raises(ConnectionError),
    ):
        tick(healthy_stack, "2026-03-09T10:01:00Z")
    assert ("Ticks", "matcher") not in emitted_values(log_lines)


def test_hours_without_posts_raise_an_alarm_if_posts_are_expected(healthy_metrics):
    data = healthy_metrics(QuietHours=2)
    assert active_alarms(data) == set()
    data.values[NAMESPACE, "Answers200", "inbox"] = [None, None, 7]
    assert active_alarms(data) == {"NoPostsAlarm"}


@pytest.mark.parametrize("function", ["InboxFunction", "MatcherFunction", "RunnerFunction"])
@pytest.mark.parametrize(
    ("metric", "alarm"), [("Errors", "FunctionErrorsAlarm"), ("Throttles", "ThrottlesAlarm")]
)
def test_repeated_errors_or_throttles_of_a_function_raise_an_alarm(
    healthy_metrics, metric, alarm, function
):
    data = healthy_metrics()
    data.values["AWS/Lambda", metric, function] = [1, None, None]
    assert active_alarms(data) == set()
    data.values["AWS/Lambda", metric, function] = [None, 1, 2]
    assert active_alarms(data) == {alarm}


def test_every_alarm_links_to_a_runbook():
    text = RUNBOOKS.read_text("utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for name, alarm in {**ALARMS, **COMPOSITE_ALARMS}.items():
        (anchor,) = re.findall(r"docs/operate\.md#([a-z-]+)", alarm["AlarmDescription"])
        assert anchor in anchors, name


def test_every_alarm_is_part_of_a_composite_alarm_that_notifies():
    rules = json.dumps([alarm["AlarmRule"] for alarm in COMPOSITE_ALARMS.values()])
    assert [name for name in ALARMS if f'ALARM(\\"${{{name}}}\\")' not in rules] == []
    for alarm in COMPOSITE_ALARMS.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alerts"}]
