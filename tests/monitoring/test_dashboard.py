"""The dashboard shows the alarms and every metric that the functions emit."""

from __future__ import annotations

import json
import re
from pathlib import Path

from openfn.log_events import LogEvent
from openfn.metrics import Metric
from openfn.runs import dispatch, replay
from openfn.runs import store as runs
from tests.monitoring.cloudwatch_alarms import MetricData
from tests.monitoring.emitted_metrics import DEFAULTS, NAMESPACE, emitted_values
from tests.monitoring.test_alarms import ALARMS, COMPOSITE_ALARMS
from tests.support.sam_template import RESOURCES

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
TEMPLATE_NAMESPACE = "OpenFn/${AWS::StackName}"
RARE = {
    Metric.TIMED_OUT,
    Metric.CIRCUITS_OPENED,
    Metric.TOO_LARGE,
    Metric.UNAUTHORIZED,
    Metric.FORBIDDEN,
    Metric.QUERIES_IGNORED,
}


def dashboard_metrics():
    """Return the dashboard's metrics: namespace, name, dimension and the dimension's value.

    In a widget's rows, "." repeats a field of the row before, and "..." all leading fields.
    """
    metrics = set()
    for widget in DASHBOARD["widgets"]:
        previous = []
        for row in widget["properties"].get("metrics", []):
            fields = [field for field in row if not isinstance(field, dict)]
            if fields[:1] == ["..."]:
                fields = [*previous[: len(previous) - len(fields) + 1], *fields[1:]]
            fields = [previous[n] if field == "." else field for n, field in enumerate(fields)]
            if fields:
                metrics.add(tuple(fields))
                previous = fields
    return metrics


def alarm_metric_keys():
    data = MetricData(DEFAULTS)
    return {data.metric_key(alarm) for alarm in ALARMS.values() if "MetricName" in alarm}


def test_dashboard_and_alarms_use_exactly_the_metrics_that_exist():
    used = {name for namespace, name, *_ in dashboard_metrics() if namespace == TEMPLATE_NAMESPACE}
    used |= {name for namespace, name, _ in alarm_metric_keys() if namespace == NAMESPACE}
    assert used == set(Metric)


def test_every_metric_is_emitted_by_a_function():
    paths = [*ROOT.glob("functions/*/app.py"), *ROOT.glob("layers/core/openfn/runs/*.py")]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    missing = [
        metric
        for metric in Metric
        if not metric.startswith("Answers") and f"Metric.{metric.name}" not in text
    ]
    assert missing == []


def test_every_status_of_the_inbox_has_its_metric():
    text = "\n".join(path.read_text("utf-8") for path in ROOT.glob("functions/inbox/*.py"))
    statuses = set(re.findall(r"\w\(\s*([2-5]\d\d)\b", text))
    assert {f"Answers{status}" for status in statuses} == {
        metric for metric in Metric if metric.startswith("Answers")
    }


def test_dashboard_shows_each_metric_with_the_function_that_emits_it(failing_log_lines):
    shown = {
        (name, value)
        for namespace, name, _, value in dashboard_metrics()
        if namespace == TEMPLATE_NAMESPACE
    }
    assert set(emitted_values(failing_log_lines)) <= shown


def test_traffic_with_failures_emits_nearly_all_metrics(failing_log_lines):
    emitted = {name for name, _ in emitted_values(failing_log_lines)}
    assert set(Metric) - emitted <= RARE


def test_dashboard_shows_every_alarm_that_always_exists():
    (widget,) = [widget for widget in DASHBOARD["widgets"] if widget["type"] == "alarm"]
    permanent = {*ALARMS, *COMPOSITE_ALARMS} - {"NoPostsAlarm"}
    assert set(widget["properties"]["alarms"]) == {f"${{{name}.Arn}}" for name in permanent}


def test_a_replayed_run_is_not_counted_in_the_delivery_time(healthy_stack, log_lines):
    names = ("RunDuration", "DeliveryTime")
    before = [len(emitted_values(log_lines)[name, "runner"]) for name in names]
    (message_id, *_) = [event["message_id"] for event in log_lines.events(LogEvent.MESSAGE_MATCHED)]
    run_id = f"{message_id}#good"
    replay.replay(runs.load(run_id))
    dispatch.queue([runs.load(run_id).plan])
    healthy_stack.drain()
    assert runs.load(run_id).was_replayed
    after = [len(emitted_values(log_lines)[name, "runner"]) for name in names]
    assert after == [before[0] + 1, before[1]]
    assert before[1] > 0
