"""Evaluate conditions and operands against an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from operator import ge, gt, le, lt
from typing import Any, cast

from workbench.store.errors import invalid_request
from workbench.store.expressions import Attribute, Call, Node, Path, Placeholder
from workbench.store.request import Request
from workbench.store.values import Value, are_equal, comparable, kind, number, value_size

_ORDERED = {"<": lt, "<=": le, ">": gt, ">=": ge}
SETS = ("SS", "NS", "BS")
"""The types of sets."""


def holds(node: Node | None, item: Mapping[str, Value], request: Request) -> bool:
    """Return whether an item meets a condition; `None` is always met."""
    if node is None:
        return True
    if not isinstance(node, Call):
        raise invalid_request("The expression is not a condition.")
    match node.name:
        case "AND":
            return all(holds(part, item, request) for part in node.operands)
        case "OR":
            return any(holds(part, item, request) for part in node.operands)
        case "NOT":
            return not holds(node.operands[0], item, request)
    operands = [evaluate(operand, item, request) for operand in node.operands]
    return _compare(node.name, operands)


def evaluate(node: Node, item: Mapping[str, Value], request: Request) -> Value | None:
    """Return the value of an operand; `None` for an attribute that the item lacks."""
    match node:
        case Attribute(path):
            return read(item, request.resolve(path))
        case Placeholder(name):
            return request.value(name)
        case Call("size", (operand,)):
            value = evaluate(operand, item, request)
            return None if value is None else {"N": str(value_size(value))}
        case Call("if_not_exists", (attribute, default)):
            value = evaluate(attribute, item, request)
            return evaluate(default, item, request) if value is None else value
        case Call("list_append", operands):
            lists = [evaluate(operand, item, request) for operand in operands]
            return {"L": [part for value in lists for part in content_of(value, "L")]}
        case Call("+" | "-", (left, right)):
            sign = 1 if node.name == "+" else -1
            total = number_of(evaluate(left, item, request))
            return {"N": number(str(total + sign * number_of(evaluate(right, item, request))))}
    raise invalid_request(f"Invalid operand: {node.name} is a condition.")


def read(item: Mapping[str, Value], path: Path) -> Value | None:
    """Return the value at a path of an item, or `None`."""
    value: Value | None = {"M": item}
    for step in path:
        if isinstance(step, int):
            parts = (value or {}).get("L", [])
            value = parts[step] if step < len(parts) else None
        else:
            value = (value or {}).get("M", {}).get(step)
    return value


def _compare(name: str, operands: Sequence[Value | None]) -> bool:
    first, *rest = operands
    if name in ("attribute_exists", "attribute_not_exists"):
        return (first is None) == (name == "attribute_not_exists")
    if name == "<>":
        return not _compare("=", operands)
    if first is None or any(value is None for value in rest):
        return False
    others = cast("list[Value]", rest)
    if name in ("=", "IN"):
        return any(are_equal(first, value) for value in others)
    comparators = (">=", "<=") if name == "BETWEEN" else (name,)
    if comparators[0] in _ORDERED:
        return all(map(_is_ordered, comparators, repeat(first), others))
    return _matches(name, first, others[0])


def _is_ordered(comparator: str, left: Value, right: Value) -> bool:
    if kind(left) != kind(right):
        return False
    if kind(left) not in ("S", "N", "B"):
        raise invalid_request(f"Incorrect operand type for operator {comparator}: {kind(left)}")
    low, high = comparable(left), comparable(right)
    if kind(left) == "S":  # DynamoDB compares the bytes of UTF-8
        low, high = low.encode(), high.encode()
    return bool(_ORDERED[comparator](low, high))


def _matches(name: str, value: Value, argument: Value) -> bool:
    if name == "attribute_type":
        return kind(value) == argument.get("S")
    if name == "begins_with":
        content, prefix = value[kind(value)], argument[kind(argument)]
        return kind(value) == kind(argument) and kind(value) in "SB" and content.startswith(prefix)
    if kind(value) in SETS:
        return kind(argument) == kind(value)[0] and comparable(argument) in comparable(value)
    if name != "contains":
        raise invalid_request(f"Invalid condition: {name}")
    if kind(value) == "L":
        return any(are_equal(part, argument) for part in value["L"])
    return kind(value) == kind(argument) == "S" and argument["S"] in value["S"]


def content_of(value: Value | None, expected: str) -> Any:
    """Return the content of a value of a type; raise a `ValidationException` for any other."""
    if value is None or kind(value) != expected:
        raise invalid_request("An operand in the update expression has an incorrect data type")
    return value[expected]


def number_of(value: Value | None) -> Decimal:
    """Return a value as a number; raise a `ValidationException` for any other type."""
    return Decimal(content_of(value, "N"))
