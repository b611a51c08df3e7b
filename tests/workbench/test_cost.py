"""`ofn cost`: what a stack has used, from CloudWatch or estimated, and what it costs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import boto3
import pytest

from benchmarks.cost import counts
from openfn.metrics import Metric
from tests.conftest import post
from tests.support.sam_template import resources_of_type
from workbench.stack import usage
from workbench.stack.prices import prices

pytestmark = pytest.mark.moto

PROJECT = """
triggers:
  all: {inclusion: {}}
credentials:
  remote: {adaptor: http}
jobs:
  job-a: {trigger: all, expression: jobs/a.py}
"""


@pytest.fixture
def deployment(create_project_stack, tmp_path):
    stack = create_project_stack(
        PROJECT, a="from adaptors.common import fn\nfn(lambda state: state)\n"
    )
    post(stack, '{"n": 1}')
    post(stack, '{"n": 2}')
    stack.drain()
    return stack, tmp_path


def test_use_is_estimated_if_cloudwatch_has_no_data(ofn, deployment):
    ended = ofn("cost", "--project", deployment[1])
    assert "2 messages, 2 runs" in ended.out
    assert "Estimated" in ended.out
    assert "HTTP API requests 2 0.0000" in ended.out
    assert f"List prices of {prices().date}" in ended.out


def test_use_that_cloudwatch_has_counted_is_priced(ofn, deployment):
    stack, folder = deployment
    name = stack.resources.functions["runner"].arn.split(":")[-1]
    dimensions = [{"Name": "FunctionName", "Value": name}]
    counted = (("Invocations", 3_000_000.0), ("Duration", 4_000_000.0))
    for metric, value in counted:
        boto3.client("cloudwatch").put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": dimensions,
                    "Value": value,
                    "Timestamp": datetime.now(UTC),
                }
            ],
        )
    report = json.loads(ofn("cost", "--project", folder, "--since", "2h", "--json").out)
    assert report["estimated"] is False
    assert report["dollars"]["invocations"] == pytest.approx(0.60)
    memory = stack.resources.functions["runner"].memory / 1024
    assert report["dollars"]["gb_seconds"] == pytest.approx(4_000 * memory * 0.0000133334)


def test_estimate_of_a_message_agrees_with_the_benchmark():
    counted = counts()[0]
    of_both = {n: amount + usage.OF_A_RUN.get(n, 0) for n, amount in usage.OF_A_MESSAGE.items()}
    seen = {name: counted.per_message(name) for name in of_both}
    seen["gb_seconds"] = counted.per_message("mb_ms") / 1024 / 1000
    seen["log_gb"] = counted.per_message("log_bytes") / 1e9
    assert of_both == pytest.approx(seen, rel=0.05)


def test_monthly_cost_agrees_with_the_template(ofn, deployment):
    monthly = json.loads(ofn("cost", "--project", deployment[1], "--json").out)["monthly"]
    alarms = set(resources_of_type("AWS::CloudWatch::Alarm")) - {"NoPostsAlarm"}
    composites = resources_of_type("AWS::CloudWatch::CompositeAlarm")
    assert monthly["alarms"] == pytest.approx(0.10 * len(alarms) + 0.50 * len(composites))
    assert monthly["secrets"] == pytest.approx(0.40)
    assert monthly["metrics at most"] == pytest.approx(0.30 * len(Metric))
