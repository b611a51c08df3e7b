"""Compose a fragment from the leaves of a body that a person ticked, and write it as YAML.

Numbers stay exact: nothing passes through JavaScript. A leaf that project.yaml cannot hold exactly
cannot be ticked: a fraction with more digits than a float has, for example.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from console import trees
from openfn.control_characters import UNSAFE

# The limits of workbench/project/schema/fragment.py and of Python's integers.
_MAX_DEPTH, _LARGEST = 48, 10**4000
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./]*(?: [A-Za-z0-9_./]+)*")
# YAML 1.1 and 1.2 read these as something else than text.
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"}
# Not printable in YAML, apart from those that are escaped to be visible.
_UNPRINTABLE = re.compile(r"[\ufeff\ufffe\uffff]")
_HALF = re.compile(r"[\ud800-\udfff]")


def compose(body: Any, ticked: Collection[int]) -> Any:
    """Return the fragment of the leaves with these numbers; without any, one for any such body."""
    chosen = [
        (path, value)
        for number, (path, value) in enumerate(trees.leaves(body))
        if number in ticked and can_be_ticked(path, value)
    ]
    return _build(body, chosen)


def can_be_ticked(path: tuple[Any, ...], value: Any) -> bool:
    """Return whether project.yaml can hold a leaf exactly.

    Text and null as the whole body are not fragments.
    """
    is_fragment = bool(path) or not isinstance(value, str | None)
    return is_fragment and all(map(_is_text, path)) and _is_exact(value, len(path))


def to_inclusion(fragment: Any) -> str:
    """Return the YAML text of `inclusion` with one fragment.

    A list there has several fragments, so a fragment that is a list is put into one.
    """
    return to_yaml([fragment] if isinstance(fragment, list) else fragment)


def to_yaml(fragment: Any) -> str:
    """Return a value as YAML 1.2 in block style.

    >>> print(to_yaml({"_xform_id_string": "groupz", "no": "1.0", "list": [{"a": 1}]}))
    _xform_id_string: groupz
    "no": "1.0"
    list:
      - a: 1
    """
    if not isinstance(fragment, dict | list) or not fragment:
        return _scalar(fragment)
    return "\n".join(_lines(fragment, ""))


def _build(body: Any, chosen: list[tuple[tuple[Any, ...], Any]]) -> Any:
    if not isinstance(body, dict | list) or (chosen and not chosen[0][0]):
        return body
    groups: dict[Any, list[tuple[tuple[Any, ...], Any]]] = {}
    for path, value in chosen:
        groups.setdefault(path[0], []).append((path[1:], value))
    parts = {step: _build(body[step], group) for step, group in groups.items()}
    return parts if isinstance(body, dict) else list(parts.values())


def _is_exact(value: Any, depth: int) -> bool:
    if isinstance(value, dict | list) and value:
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        return depth < _MAX_DEPTH and all(_is_exact(part, depth + 1) for part in parts)
    if isinstance(value, Decimal):
        number = float(value)
        return math.isfinite(number) and Decimal(repr(number)) == value
    return abs(value) < _LARGEST if isinstance(value, int) else _is_text(value)


def _is_text(value: Any) -> bool:
    """Return whether a text can be written in UTF-8: it has no half of a surrogate pair."""
    return not isinstance(value, str) or _HALF.search(value) is None


def _lines(fragment: Any, margin: str) -> Iterator[str]:
    is_object = isinstance(fragment, dict)
    for key, part in fragment.items() if is_object else enumerate(fragment):
        start = f"{margin}{_scalar(key)}:" if is_object else f"{margin}-"
        if not isinstance(part, dict | list) or not part:
            yield f"{start} {_scalar(part)}"
        elif is_object:
            yield start
            yield from _lines(part, f"{margin}  ")
        else:
            first, *rest = _lines(part, f"{margin}  ")
            yield f"{start} {first[len(margin) + 2 :]}"
            yield from rest


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list):
        return trees.json_text(value)
    if not isinstance(value, str):
        return str(value) if isinstance(value, Decimal) else json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(_escape, UNSAFE.sub(_escape, quoted))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
