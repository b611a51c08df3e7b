"""Evaluate CloudWatch alarms as far as template.yaml uses them.

A metric is identified by its namespace, its name and the value of its one dimension. Values are
listed newest period first; a period without data is `None`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}
MetricKey = tuple[str, str, str]


@dataclass
class MetricData:
    """The values of metrics by period, and the parameters of the stack."""

    parameters: Mapping[str, Any]
    values: dict[MetricKey, Sequence[float | None]] = field(default_factory=dict)

    def resolve(self, value):
        """Resolve a reference to a parameter's value or to a resource's logical id."""
        if not isinstance(value, dict):
            return value
        if "Ref" in value:
            return self.parameters.get(value["Ref"], value["Ref"])
        if "Fn::GetAtt" in value:
            attribute = value["Fn::GetAtt"]
            return attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]
        return value["Fn::Sub"].replace("${AWS::StackName}", "openfn")

    def metric_key(self, metric):
        """Return the key of a metric with one dimension."""
        (dimension,) = metric["Dimensions"]
        return (
            self.resolve(metric["Namespace"]),
            metric["MetricName"],
            self.resolve(dimension["Value"]),
        )

    def is_in_alarm(self, alarm):
        """Return whether an alarm is in the state ALARM."""
        periods = int(self.resolve(alarm["EvaluationPeriods"]))
        datapoints_to_alarm = int(self.resolve(alarm["DatapointsToAlarm"]))
        is_breaching = COMPARISONS[alarm["ComparisonOperator"]]
        threshold = float(self.resolve(alarm["Threshold"]))
        missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
        breaches = [
            missing if value is None else is_breaching(value, threshold)
            for value in self._alarm_values(alarm, periods)
        ]
        return sum(breaches) >= datapoints_to_alarm

    def _alarm_values(self, alarm, periods):
        if "MetricName" in alarm:
            return self._metric_values(self.metric_key(alarm), periods)
        series, expression = {}, ""
        for query in alarm["Metrics"]:
            if "Expression" in query:
                expression = query["Expression"]
            else:
                key = self.metric_key(query["MetricStat"]["Metric"])
                series[query["Id"]] = self._metric_values(key, periods)
        return [
            _evaluate(expression, {name: values[period] for name, values in series.items()})
            for period in range(periods)
        ]

    def _metric_values(self, key, periods):
        values = list(self.values.get(key, ()))[:periods]
        return values + [None] * (periods - len(values))


def _evaluate(expression, values):
    present = [value for value in values.values() if value is not None]
    if not present:
        return None
    if expression == "SUM(METRICS())":
        return sum(present)
    (name, divisor) = re.fullmatch(r"(\w+) / (\d+)", expression).groups()
    return values[name] / int(divisor)
