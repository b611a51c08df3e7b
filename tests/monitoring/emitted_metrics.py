"""The metrics that functions write to their logs, and what CloudWatch makes of them."""

from __future__ import annotations

import json
import time
from collections import defaultdict

from openfn.metrics import Metric
from tests.monitoring.cloudwatch_alarms import MetricData
from tests.support.sam_template import TEMPLATE
from tests.support.stack_client import client

NAMESPACE = "OpenFn/openfn"
DEFAULTS = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}


def emitted_values(log_lines):
    """Return the emitted values by metric and service, read from CloudWatch's embedded format."""
    emitted = defaultdict(list)
    for _, line in log_lines:
        if '"_aws"' in line:
            event = json.loads(line)
            (directive,) = event["_aws"]["CloudWatchMetrics"]
            assert directive["Namespace"] == NAMESPACE
            assert directive["Dimensions"] == [["service"]]
            for metric in directive["Metrics"]:
                emitted[metric["Name"], event["service"]] += event[metric["Name"]]
    return emitted


def collect_metric_data(stack, log_lines, **parameters):
    """Return CloudWatch's metrics of a stack, computed from its logs and its queues."""
    data = MetricData({**DEFAULTS, **parameters})
    emitted = emitted_values(log_lines)
    for (name, service), values in emitted.items():
        is_gauge = name == Metric.CIRCUITS_OPEN
        data.values[NAMESPACE, name, service] = [max(values) if is_gauge else sum(values)]
    data.values["AWS/ApiGateway", "5xx", "Api"] = [sum(emitted["Answers503", "inbox"])]
    for queue in ("MatchQueue", "RunQueue", "MatchDeadLetters", "RunDeadLetters"):
        url = stack.resources.physical_ids[queue]
        visible, age = _queue_metrics(url)
        data.values["AWS/SQS", "ApproximateNumberOfMessagesVisible", queue] = [visible]
        data.values["AWS/SQS", "ApproximateAgeOfOldestMessage", queue] = [age]
    # The schedule keeps ticking, although a test invokes it only once.
    ticks = data.values.get((NAMESPACE, "Ticks", "matcher"), [0])
    data.values[NAMESPACE, "Ticks", "matcher"] = ticks * 2
    return data


def _queue_metrics(url):
    sqs = client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    received = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, AttributeNames=["All"])
    sent_at = [
        int(message["Attributes"]["SentTimestamp"]) / 1000
        for message in received.get("Messages", [])
    ]
    age = time.time() - min(sent_at) if sent_at else 0
    return int(attributes["ApproximateNumberOfMessages"]), age
