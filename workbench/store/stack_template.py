"""Read template.yaml and evaluate its intrinsic functions for the local stack.

A deployment uses SAM's translator. Importing it takes longer than starting the local stack, so
that only what the local stack needs of the template is evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).resolve().parents[2]
REGION, ACCOUNT, STACK = "eu-west-1", "123456789012", "openfn"
_REFERENCE = re.compile(r"\$\{([\w:.]+)\}")
_PSEUDO_PARAMETERS = {
    "AWS::StackName": STACK,
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
_ARNS = {
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{name}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
}
QUEUES_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/"
"""What the URLs of the stack's queues begin with."""


@dataclass(frozen=True, slots=True)
class StackTemplate:
    """template.yaml with the values of its parameters."""

    content: Mapping[str, Any]
    parameters: Mapping[str, Any]

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the evaluated properties of all resources of a type by logical id."""
        return {
            name: self.evaluate(resource.get("Properties", {}))
            for name, resource in self.content["Resources"].items()
            if resource["Type"] == resource_type
        }

    def physical_id(self, name: str) -> str:
        """Return the physical id of a resource by its logical id."""
        resource = self.content["Resources"][name]
        if resource["Type"] == "AWS::SQS::Queue":
            return f"{QUEUES_URL}{self._name(name)}"
        return self._name(name)

    def evaluate(self, value: Any) -> Any:
        """Return a part of the template with its intrinsic functions evaluated."""
        if isinstance(value, list):
            return [self.evaluate(part) for part in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (function := next(iter(value))).startswith(("Fn::", "Ref")):
            return self._call(function, value[function])
        evaluated = {key: self.evaluate(part) for key, part in value.items()}
        return {key: part for key, part in evaluated.items() if part is not None}

    def _name(self, name: str) -> str:
        resource = self.content["Resources"][name]
        is_fifo = resource.get("Properties", {}).get("FifoQueue")
        return f"{STACK}-{name}{'.fifo' if is_fifo else ''}"

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._reference(argument)
            case "Fn::GetAtt":
                return self._attribute(*argument.split(".", 1))
            case "Fn::Sub":
                return re.sub(
                    r"\$\{([\w:.]+)\}", lambda match: self._substitute(match[1]), argument
                )
            case "Fn::If":
                condition, then, otherwise = argument
                return self.evaluate(then if self._holds(condition) else otherwise)
            case "Fn::FindInMap":
                name, first, second = self.evaluate(argument)
                return self.content["Mappings"][name][str(first)][second]
            case "Fn::Join":
                separator, parts = self.evaluate(argument)
                return separator.join(parts)
        raise ValueError(f"The local stack cannot evaluate {function} in template.yaml.")

    def _reference(self, name: str) -> Any:
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        return self.parameters[name] if name in self.parameters else self.physical_id(name)

    def _attribute(self, name: str, attribute: str) -> str:
        resource_type = self.content["Resources"][name]["Type"]
        if attribute == "Arn":
            pattern = _ARNS.get(resource_type, f"arn:aws:local:{REGION}:{ACCOUNT}:{{name}}")
            return pattern.format(name=self._name(name))
        return self._name(name)

    def _substitute(self, reference: str) -> str:
        name, _, attribute = reference.partition(".")
        if attribute:
            return self._attribute(name, attribute)
        return str(self._reference(name))

    def _holds(self, condition: str) -> bool:
        return self._test(self.content["Conditions"][condition])

    def _test(self, condition: Mapping[str, Any]) -> bool:
        function, argument = next(iter(condition.items()))
        match function:
            case "Fn::Not":
                return not self._test(argument[0])
            case "Fn::Equals":
                left, right = self.evaluate(argument)
                return str(left) == str(right)
        raise ValueError(f"The local stack cannot evaluate {function} in template.yaml.")


def load(parameters: Mapping[str, str] | None = None) -> StackTemplate:
    """Load template.yaml; `parameters` replace the template's defaults."""
    content = _parse()
    values = {
        name: _typed(parameter, (parameters or {}).get(name, parameter.get("Default")))
        for name, parameter in content["Parameters"].items()
    }
    return StackTemplate(content, values)


def _typed(parameter: Mapping[str, Any], value: Any) -> Any:
    if parameter["Type"] == "CommaDelimitedList":
        return str(value).split(",")
    return value


@cache
def _parse() -> Mapping[str, Any]:
    text = (ROOT / "template.yaml").read_text("utf-8")
    content: Mapping[str, Any] = cast("Any", yaml).load(text, _Loader)
    return content


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads the short forms of intrinsic functions, such as `!Ref`."""


def _intrinsic(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    function = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {function: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {function: loader.construct_sequence(node, deep=True)}
    return {function: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)
