"""Apply update expressions to an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from itertools import pairwise
from typing import Any

from workbench.store.conditions import SETS, content_of, evaluate, number_of, read
from workbench.store.errors import invalid_request
from workbench.store.expressions import Path, Update
from workbench.store.request import Request
from workbench.store.values import Item, Value, kind, number


def apply(updates: Sequence[Update], item: Mapping[str, Value], request: Request) -> Item:
    """Return an item after an update; all operands see the item as it was."""
    is_nested = any(len(update.path) > 1 for update in updates)
    result = deepcopy(dict(item)) if is_nested else dict(item)
    for update in updates:
        path = request.resolve(update.path)
        operand = evaluate(update.operand, item, request) if update.operand else None
        if update.clause == "REMOVE":
            _remove(result, path)
            continue
        if operand is None:
            raise invalid_request(
                "The provided expression refers to an attribute that does not exist in the item"
            )
        current = read(item, path)
        if update.clause == "ADD":
            operand = _add(current, operand)
        if update.clause == "DELETE":
            operand = _difference(current, operand)
        if operand is None:
            _remove(result, path)
        else:
            _write(result, path, operand)
    return result


def _add(current: Value | None, operand: Value) -> Value:
    if kind(operand) in SETS:
        parts = list(content_of(current, kind(operand))) if current else []
        parts += [part for part in operand[kind(operand)] if part not in parts]
        return {kind(operand): parts}
    total = (number_of(current) if current else Decimal(0)) + number_of(operand)
    return {"N": number(str(total))}


def _difference(current: Value | None, operand: Value) -> Value | None:
    removed = operand[kind(operand)]
    parts = [part for part in (current or {}).get(kind(operand), []) if part not in removed]
    return {kind(operand): parts} if parts else None


def _parent(item: Item, path: Path) -> tuple[Any, str | int] | None:
    container: Any = item
    for step, following in pairwise(path):
        try:
            value = container[step]
        except (KeyError, IndexError):
            return None
        if kind(value) != ("L" if isinstance(following, int) else "M"):
            return None
        container = value[kind(value)]
    return container, path[-1]


def _write(item: Item, path: Path, value: Value) -> None:
    parent = _parent(item, path)
    if parent is None:
        raise invalid_request("The document path provided in the update expression is invalid")
    container, step = parent
    if isinstance(step, int) and step >= len(container):
        container.append(value)
    else:
        container[step] = value


def _remove(item: Item, path: Path) -> None:
    parent = _parent(item, path)
    if parent is None:
        return
    container, step = parent
    if isinstance(step, int):
        del container[step : step + 1]
    else:
        container.pop(step, None)
