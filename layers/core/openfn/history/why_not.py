"""Why a trigger matches a body or does not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from openfn.project.fragments import contains, contains_nested
from openfn.project.triggers import MessageTrigger

MISSING = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where a fragment and a body part ways."""

    path: str
    wanted: Any
    found: Any
    """`MISSING` where the body has nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a trigger matches; if not, why: by the inbox, an exclusion or a difference."""

    trigger: str
    matches: bool
    why: str = ""
    difference: Difference | None = None


def explain(trigger: MessageTrigger, inbox: str | None, body: Any) -> Verdict:
    """Judge one trigger on a matchable body; `inbox` `None` leaves the inbox out of account."""
    if inbox is not None and trigger.inbox not in (None, inbox):
        return Verdict(trigger.name, matches=False, why=f"listens to the inbox {trigger.inbox}")
    if different := difference(body, trigger.inclusion):
        return Verdict(trigger.name, matches=False, why=_why(different), difference=different)
    for number, exclusion in enumerate(trigger.exclusions, 1):
        if contains(body, exclusion):
            why = f"excluded: the body contains exclusion {number}, {_shown(exclusion)}"
            return Verdict(trigger.name, matches=False, why=why)
    return Verdict(trigger.name, matches=True)


def difference(body: Any, fragment: Any) -> Difference | None:
    """Find the first place where the body does not contain the fragment; `None` if it does."""
    return None if contains(body, fragment) else _differ(body, fragment, "")


def _differ(value: Any, fragment: Any, path: str) -> Difference | None:
    if isinstance(fragment, dict) and isinstance(value, dict):
        for key, part in fragment.items():
            where = f"{path}.{_named(key)}" if path else _named(key)
            if key not in value:
                return Difference(where, part, MISSING)
            if found := _differ(value[key], part, where):
                return found
        return None
    if isinstance(fragment, list) and isinstance(value, list):
        wanted = [
            part for part in fragment if not any(contains_nested(each, part) for each in value)
        ]
        return _differ_in_list(value, wanted[0], path) if wanted else None
    return (
        None
        if contains_nested(value, fragment)
        else Difference(path or "the body", fragment, value)
    )


def _differ_in_list(values: list[Any], part: Any, path: str) -> Difference | None:
    # With one candidate the place inside it says more than "no element does".
    alike = [n for n, value in enumerate(values) if type(value) is type(part)]
    if len(alike) == 1 and isinstance(part, dict | list):
        return _differ(values[alike[0]], part, f"{path}[{alike[0]}]")
    return Difference(f"{path}[*]", part, values)


def _named(key: str) -> str:
    return key if key and not set(key) & set('."[]') else json.dumps(key, ensure_ascii=False)


def _why(different: Difference) -> str:
    wanted = _shown(different.wanted)
    if different.found is MISSING:
        return f"{different.path}: wants {wanted}, there is no such key"
    found = _shown(different.found)
    # An accent can be written in two ways, a space be a non-breaking one, a far end be cut off.
    if normalize("NFKC", wanted) == normalize("NFKC", found):
        wanted, found = json.dumps(different.wanted), json.dumps(different.found)
    return f"{different.path}: wants {wanted}, has {found}"


def _shown(value: Any, limit: int = 120) -> str:
    text = _json(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_named(k)}: {_shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
