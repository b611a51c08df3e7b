"""What the services of AWS that describe a stack answer about the one on this machine."""

from __future__ import annotations

from typing import Any

from openfn.storage.errors import CallRefused
from workbench.store.stack_template import StackTemplate


class Description:
    """The stack as CloudFormation and CloudWatch describe it, without metrics."""

    def __init__(self, template: StackTemplate) -> None:
        """Describe the stack of a template."""
        self._template = template
        (bucket,) = template.resources("AWS::S3::Bucket").values()
        self.expiring_prefixes = {
            rule["Prefix"]: int(rule["ExpirationInDays"])
            for rule in bucket["LifecycleConfiguration"]["Rules"]
            if "ExpirationInDays" in rule
        }
        """How many days objects are stored, by the prefix of their keys."""

    def describe_stack_resource(self, **request: Any) -> dict[str, Any]:
        """Return the physical id of a resource of the template."""
        name = request["LogicalResourceId"]
        if name not in self._template.content["Resources"]:
            raise CallRefused("ValidationError", f"The stack has no resource {name}.")
        detail = {"LogicalResourceId": name, "PhysicalResourceId": self._template.physical_id(name)}
        return {"StackResourceDetail": detail}

    def get_metric_data(self, **_request: Any) -> dict[str, Any]:
        """Return no metrics: nothing on this machine collects them."""
        return {"MetricDataResults": []}

    def describe_alarms(self, **_request: Any) -> dict[str, Any]:
        """Return no alarms."""
        return {"MetricAlarms": [], "CompositeAlarms": []}
