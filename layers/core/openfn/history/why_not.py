"""Why a trigger does not match a message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from openfn.project.fragments import contains, contains_nested
from openfn.project.triggers import MessageTrigger

MISSING = object()
_MAX_REASONS = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """The first value of a fragment that a body does not contain."""

    path: str
    expected: Any
    actual: Any
    """`MISSING` if the body has no such key."""


@dataclass(frozen=True, slots=True)
class MatchResult:
    """Whether a trigger matches; if not, `why`, and the difference if there is one."""

    trigger: str
    matches: bool
    why: str = ""
    difference: Difference | None = None


def explain(trigger: MessageTrigger, inbox: str | None, body: Any) -> MatchResult:
    """Evaluate a trigger on a matchable body; with `inbox` None, any inbox will do."""
    if inbox is not None and trigger.inbox not in (None, inbox):
        why = f"accepts only messages of inbox {trigger.inbox}"
        return MatchResult(trigger.name, matches=False, why=why)
    if differences := _differences(body, trigger.inclusions):
        why = _why_none(differences)
        return MatchResult(trigger.name, matches=False, why=why, difference=differences[0])
    for number, exclusion in enumerate(trigger.exclusions, 1):
        if contains(body, exclusion):
            why = f"excluded: the body contains exclusion {number}, {_shorten(exclusion)}"
            return MatchResult(trigger.name, matches=False, why=why)
    return MatchResult(trigger.name, matches=True)


def difference(body: Any, fragment: Any) -> Difference | None:
    """Return the first value of a fragment that the body does not contain, if any."""
    return None if contains(body, fragment) else _first_difference(body, fragment, "")


def _differences(body: Any, inclusions: Sequence[Any]) -> list[Difference]:
    """Return the first difference of each fragment; none if the body contains one of them."""
    differences: list[Difference] = []
    for inclusion in inclusions:
        first = difference(body, inclusion)
        if first is None:
            return []
        differences.append(first)
    return differences


def _first_difference(value: Any, fragment: Any, path: str) -> Difference | None:
    if isinstance(fragment, dict) and isinstance(value, dict):
        for key, part in fragment.items():
            key_path = f"{path}.{quote_key(key)}" if path else quote_key(key)
            if key not in value:
                return Difference(key_path, part, MISSING)
            if inner := _first_difference(value[key], part, key_path):
                return inner
        return None
    if isinstance(fragment, list) and isinstance(value, list):
        missing = [
            part for part in fragment if not any(contains_nested(item, part) for item in value)
        ]
        return _difference_in_list(value, missing[0], path) if missing else None
    return (
        None
        if contains_nested(value, fragment)
        else Difference(path or "the body", fragment, value)
    )


def _difference_in_list(values: list[Any], part: Any, path: str) -> Difference | None:
    # With one candidate, the difference inside it says more than "no element matches".
    candidates = [n for n, value in enumerate(values) if type(value) is type(part)]
    if len(candidates) == 1 and isinstance(part, dict | list):
        position = candidates[0]
        return _first_difference(values[position], part, f"{path}[{position}]")
    return Difference(f"{path}[*]", part, values)


def quote_key(key: str) -> str:
    """Return a key as paths show it: in quotes if it has a dot or a bracket."""
    return key if key and not set(key) & set('."[]') else json.dumps(key, ensure_ascii=False)


def _why_none(differences: Sequence[Difference]) -> str:
    if len(differences) == 1:
        return _why(differences[0])
    parts = [
        f"inclusion {number}: {_why(first)}"
        for number, first in enumerate(differences[:_MAX_REASONS], 1)
    ]
    more = len(differences) - len(parts)
    return "; ".join([*parts, f"and {more} more"] if more else parts)


def _why(first: Difference) -> str:
    expected = _shorten(first.expected)
    if first.actual is MISSING:
        return f"{first.path}: expected {expected}, but there is no such key"
    actual = _shorten(first.actual)
    # An accent has two encodings, a space may be non-breaking, the different end may be cut off.
    if normalize("NFKC", expected) == normalize("NFKC", actual):
        expected, actual = json.dumps(first.expected), json.dumps(first.actual)
    return f"{first.path}: expected {expected}, found {actual}"


def _shorten(value: Any, limit: int = 120) -> str:
    text = _format(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _format(value: Any) -> str:
    if isinstance(value, dict):
        items = (f"{quote_key(key)}: {_shorten(part)}" for key, part in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shorten, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
