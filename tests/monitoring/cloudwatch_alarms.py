"""CloudWatch's alarms, as far as template.yaml uses them: metric, expression, periods, threshold.

A value is found by namespace, metric and the value of its one dimension; the newest period comes
first, and a period without data is `None`.
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
Name = tuple[str, str, str]


@dataclass
class World:
    """What CloudWatch would know: values by metric, and the stack's parameters."""

    parameters: Mapping[str, Any]
    values: dict[Name, Sequence[float | None]] = field(default_factory=dict)

    def resolved(self, value):
        """Resolve `Ref` to a parameter's value, or to a resource's name, and so `Fn::GetAtt`."""
        if isinstance(value, dict) and "Ref" in value:
            return self.parameters.get(value["Ref"], value["Ref"])
        if isinstance(value, dict) and "Fn::GetAtt" in value:
            found = value["Fn::GetAtt"]
            return found.split(".")[0] if isinstance(found, str) else found[0]
        if isinstance(value, dict) and "Fn::Sub" in value:
            return value["Fn::Sub"].replace("${AWS::StackName}", "openfn")
        return value

    def name(self, metric):
        (dimension,) = metric["Dimensions"]
        return (
            self.resolved(metric["Namespace"]),
            metric["MetricName"],
            self.resolved(dimension["Value"]),
        )

    def series(self, alarm, periods):
        """Give the values an alarm looks at, newest first."""
        if "MetricName" in alarm:
            return self._padded(self.name(alarm), periods)
        found, expression = {}, ""
        for each in alarm["Metrics"]:
            if "Expression" in each:
                expression = each["Expression"]
            else:
                metric = each["MetricStat"]["Metric"]
                found[each["Id"]] = self._padded(self.name(metric), periods)
        return [
            _calculated(expression, {name: values[number] for name, values in found.items()})
            for number in range(periods)
        ]

    def _padded(self, name, periods):
        values = list(self.values.get(name, ()))[:periods]
        return values + [None] * (periods - len(values))

    def in_alarm(self, alarm):
        """Say whether an alarm is in the state ALARM."""
        periods, wanted = (
            int(self.resolved(alarm[key])) for key in ("EvaluationPeriods", "DatapointsToAlarm")
        )
        breaches = COMPARISONS[alarm["ComparisonOperator"]]
        threshold = float(self.resolved(alarm["Threshold"]))
        missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
        values = self.series(alarm, periods)
        found = [missing if value is None else breaches(value, threshold) for value in values]
        return sum(found) >= wanted


def _calculated(expression, values):
    there = [value for value in values.values() if value is not None]
    if not there:
        return None
    if expression == "SUM(METRICS())":
        return sum(there)
    (name, number) = re.fullmatch(r"(\w+) / (\d+)", expression).groups()
    return values[name] / int(number)
