"""Stacks with traffic, and the metrics and logs they leave."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.conftest import LogLines, write_project
from tests.monitoring.cloudwatch_alarms import MetricData
from tests.monitoring.emitted_metrics import DEFAULTS, collect_metric_data
from tests.monitoring.traffic import JOBS, PROJECT, send_failing_traffic, send_healthy_traffic
from workbench.local.stack import create_stack


@pytest.fixture
def healthy_stack(create_project_stack):
    """A stack after healthy traffic; its log lines are in `logged`."""
    stack = create_project_stack(PROJECT, **JOBS)
    send_healthy_traffic(stack)
    return stack


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """The metric values and log lines of healthy traffic."""
    folder, lines = tmp_path_factory.mktemp("project"), LogLines()
    write_project(folder, PROJECT, JOBS)
    with create_stack(folder, lambda *line: lines.append(line)) as stack:
        send_healthy_traffic(stack)
        values = collect_metric_data(stack, lines).values
        return SimpleNamespace(values=values, log_lines=lines)


@pytest.fixture(scope="module")
def failing_log_lines(tmp_path_factory):
    """The log lines of healthy traffic followed by failures of every kind."""
    folder, lines = tmp_path_factory.mktemp("project"), LogLines()
    write_project(folder, PROJECT, JOBS)
    with create_stack(folder, lambda *line: lines.append(line)) as stack:
        send_healthy_traffic(stack)
        send_failing_traffic(stack)
    return lines


@pytest.fixture
def healthy_metrics(healthy):
    """Build the metric data of healthy traffic for given stack parameters."""
    return lambda **parameters: MetricData({**DEFAULTS, **parameters}, dict(healthy.values))
