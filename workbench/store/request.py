"""The expressions of one request, with the names and values of its placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.store.errors import invalid_request
from workbench.store.expressions import (
    Attribute,
    Call,
    Node,
    Path,
    Placeholder,
    Update,
    parse_condition,
    parse_projection,
    parse_update,
)
from workbench.store.values import Value


class Request:
    """The expressions of one request, and the placeholders that they may use."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames") or {}
        self._values: Mapping[str, Value] = request.get("ExpressionAttributeValues") or {}
        self._used: set[str] = set()

    def condition(self, text: str | None) -> Node | None:
        """Parse a condition, filter or key condition and check its placeholders."""
        if not text:
            return None
        node = parse_condition(text)
        self._check(node)
        return node

    def updates(self, text: str) -> tuple[Update, ...]:
        """Parse an update expression; no two of its actions may change one attribute."""
        updates = parse_update(text)
        paths = [self.resolve(update.path) for update in updates]
        for number_, path in enumerate(paths):
            for other in paths[:number_]:
                if path[: len(other)] == other or other[: len(path)] == path:
                    raise invalid_request("Two document paths overlap with each other")
        for update in updates:
            if update.operand is not None:
                self._check(update.operand)
        return updates

    def projection(self, text: str) -> list[Path]:
        """Parse a projection expression into paths with real names."""
        return [self.resolve(path) for path in parse_projection(text)]

    def check_all_used(self) -> None:
        """Raise a `ValidationException` if a placeholder of the request is in no expression."""
        for field, given in (("Names", self._names), ("Values", self._values)):
            if unused := sorted(set(given) - self._used):
                raise invalid_request(
                    f"Value provided in ExpressionAttribute{field} unused in expressions: "
                    f"keys: {{{', '.join(unused)}}}"
                )

    def resolve(self, path: Path) -> Path:
        """Return a path with the real names of its placeholders."""
        return tuple(self._name(step) if isinstance(step, str) else step for step in path)

    def value(self, placeholder: str) -> Value:
        """Return the value of a placeholder such as `:now`."""
        self._used.add(placeholder)
        if placeholder not in self._values:
            raise invalid_request(
                f"An expression attribute value used in expression is not defined: {placeholder}"
            )
        return self._values[placeholder]

    def _name(self, name: str) -> str:
        if not name.startswith("#"):
            return name
        self._used.add(name)
        if name not in self._names:
            raise invalid_request(
                f"An expression attribute name used in the document path is not defined: {name}"
            )
        return self._names[name]

    def _check(self, node: Node) -> None:
        match node:
            case Attribute(path):
                self.resolve(path)
            case Placeholder(name):
                self.value(name)
            case Call(_, operands):
                for operand in operands:
                    self._check(operand)
