"""Parse DynamoDB's expressions: conditions, key conditions, updates and projections.

The grammar is that of the DynamoDB developer guide ("Condition and filter expressions, operators,
and functions", "Update expressions").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from workbench.store.errors import invalid_request

T = TypeVar("T")
Path = tuple[str | int, ...]
"""The steps to an attribute: names (`#name` for a placeholder) and positions in lists."""
COMPARATORS = ("=", "<>", "<=", ">=", "<", ">")
_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),.\[\]+-]|[#:]?\w+)")
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
    "if_not_exists": 2,
    "list_append": 2,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the item."""

    path: Path


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value of the request, such as `:now`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an operator or a comparison with its operands."""

    name: str
    operands: tuple[Node, ...]


Node = Attribute | Placeholder | Call


@dataclass(frozen=True, slots=True)
class Update:
    """One action of an update expression: its clause, its attribute, and its operand if any."""

    clause: str
    path: Path
    operand: Node | None = None


@lru_cache(maxsize=1_000)
def parse_condition(text: str) -> Node:
    """Parse a condition, filter or key condition; raise a `ValidationException` if invalid."""
    parser = _Parser(text)
    node = parser.condition()
    parser.end()
    return node


@lru_cache(maxsize=1_000)
def parse_update(text: str) -> tuple[Update, ...]:
    """Parse an update expression into its actions."""
    parser = _Parser(text)
    updates = parser.updates()
    parser.end()
    return updates


@lru_cache(maxsize=1_000)
def parse_projection(text: str) -> tuple[Path, ...]:
    """Parse a projection expression into the attributes that it selects."""
    parser = _Parser(text)
    paths = parser.list_of(parser.path)
    parser.end()
    return paths


class _Parser:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, position = text, list[str](), 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(text[position:].strip()[:20])
            self.tokens.append(match[1])
            position = match.end()
        self.tokens.append("")
        self.position = 0

    def error(self, token: str) -> Exception:
        return invalid_request(
            f"Invalid expression: syntax error; token: {token!r} in {self.text!r}"
        )

    @property
    def token(self) -> str:
        return self.tokens[self.position]

    @property
    def keyword(self) -> str:
        return self.token.upper()

    def take(self, expected: str = "") -> str:
        token = self.token
        if (expected and token.upper() != expected) or not token:
            raise self.error(token or "<EOF>")
        self.position += 1
        return token

    def accept(self, expected: str) -> bool:
        if self.keyword != expected:
            return False
        self.position += 1
        return True

    def end(self) -> None:
        if self.token:
            raise self.error(self.token)

    def list_of(self, parse: Callable[[], T]) -> tuple[T, ...]:
        parts = [parse()]
        while self.accept(","):
            parts.append(parse())
        return tuple(parts)

    def condition(self) -> Node:
        node = self._conjunction()
        while self.accept("OR"):
            node = Call("OR", (node, self._conjunction()))
        return node

    def _conjunction(self) -> Node:
        node = self._negation()
        while self.accept("AND"):
            node = Call("AND", (node, self._negation()))
        return node

    def _negation(self) -> Node:
        if self.accept("NOT"):
            return Call("NOT", (self._negation(),))
        if self.accept("("):
            node = self.condition()
            self.take(")")
            return node
        return self._comparison()

    def _comparison(self) -> Node:
        left = self.operand()
        if self.token in COMPARATORS:
            return Call(self.take(), (left, self.operand()))
        if self.accept("BETWEEN"):
            low = self.operand()
            self.take("AND")
            return Call("BETWEEN", (left, low, self.operand()))
        if self.accept("IN"):
            self.take("(")
            choices = self.list_of(self.operand)
            self.take(")")
            return Call("IN", (left, *choices))
        return left

    def operand(self) -> Node:
        if self.token.startswith(":"):
            return Placeholder(self.take())
        name = self.token
        if name in _FUNCTIONS and self.tokens[self.position + 1] == "(":
            self.position += 2
            operands = self.list_of(self.operand)
            self.take(")")
            if len(operands) != _FUNCTIONS[name]:
                raise invalid_request(f"Incorrect number of operands for function {name}")
            return Call(name, operands)
        return Attribute(self.path())

    def path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while self.token in (".", "["):
            if self.accept("."):
                steps.append(self._name())
            else:
                self.take("[")
                steps.append(int(self.take()))
                self.take("]")
        return tuple(steps)

    def _name(self) -> str:
        name = self.take()
        if not name.lstrip("#").isidentifier():
            raise self.error(name)
        return name

    def updates(self) -> tuple[Update, ...]:
        updates: list[Update] = []
        while self.token:
            clause = self.keyword
            if clause not in _CLAUSES:
                raise self.error(self.token)
            self.position += 1
            updates += self.list_of(partial(self._update, clause))
        return tuple(updates)

    def _update(self, clause: str) -> Update:
        path = self.path()
        if clause == "REMOVE":
            return Update(clause, path)
        if clause != "SET":
            return Update(clause, path, self.operand())
        self.take("=")
        operand = self.operand()
        while self.token in ("+", "-"):
            operand = Call(self.take(), (operand, self.operand()))
        return Update(clause, path, operand)
