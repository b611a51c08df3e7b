"""A JSON value as a tree of rows, cut to a number of leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MAX_LEAVES = 300
"""How many leaves a page shows; the next page goes on."""
_MAX_DEPTH, _MAX_TEXT = 40, 400


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its key: a leaf, or an object or array with its children."""

    key: str
    """The key or position in its parent; empty for the whole body."""
    kind: str
    """`string`, `number`, `boolean`, `null`, `object` or `array`."""
    text: str
    """A leaf as JSON, or the size of an object or array."""
    leaf: int | None = None
    """The number of a leaf, in the order of the body."""
    value: Any = None
    children: Sequence[Node] = ()


def build(value: Any, first: int = 0) -> tuple[Node, int]:
    """Return the tree of a value with the leaves from a number on, and how many it has in all."""
    counter = _Counter(first)
    node = _node("", value, counter, 0)
    return node or Node("", kind_of(value), ""), counter.count


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the path and value of each leaf.

    A leaf is a scalar, or an empty or very deep object or array.
    """
    if len(path) == _MAX_DEPTH:
        yield path, value
    elif isinstance(value, dict) and value:
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list) and value:
        for position, part in enumerate(value):
            yield from leaves(part, (*path, position))
    else:
        yield path, value


def kind_of(value: Any) -> str:
    """Return the JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", dict: "object", list: "array", type(None): "null"}
    return kinds.get(type(value), "number")


def json_text(value: Any) -> str:
    """Return a value as JSON, with all digits of its numbers."""
    if isinstance(value, dict):
        items = (
            f"{json.dumps(str(k), ensure_ascii=False)}: {json_text(v)}" for k, v in value.items()
        )
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def shorten(text: str, limit: int = _MAX_TEXT) -> str:
    """Return the beginning of a long text, and how long it is."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


@dataclass(slots=True)
class _Counter:
    first: int
    count: int = 0

    def take(self) -> int | None:
        """Count a leaf; return its number if it is shown."""
        number, self.count = self.count, self.count + 1
        return number if self.first <= number < self.first + MAX_LEAVES else None


def _node(key: str, value: Any, counter: _Counter, depth: int) -> Node | None:
    if not isinstance(value, dict | list) or not value or depth == _MAX_DEPTH:
        return _leaf(key, value, counter)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    children = [
        child
        for name, part in items
        if (child := _node(str(name), part, counter, depth + 1)) is not None
    ]
    if not children:
        return None
    return Node(key, kind_of(value), str(len(value)), children=children)


def _leaf(key: str, value: Any, counter: _Counter) -> Node | None:
    number = counter.take()
    if number is None:
        return None
    return Node(key, kind_of(value), shorten(json_text(value)), number, value)
