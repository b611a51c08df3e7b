"""Parse JSONPath: RFC 9535 where a path is valid there, else as OpenFn's jobs write it.

In OpenFn's spelling, keys without dots and brackets need no quotes (`$.group1/name`,
`$.form.@xmlns`), not even inside brackets (`$.case[@case_id]`). A key with a dot is quoted
(`$['form.xml']`); `arr.[0]` is `arr[0]`, and `===` is `==`.

A filter `[?@.x]` selects if `x` exists, as in RFC 9535. `[?(@.x)]`, the spelling that OpenFn knows,
selects as in OpenFn: if `x` is neither `null`, `false`, `0` nor an empty text. Types are not
converted: the text `"7"` is not the number 7.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

Step = str | int | None
"""A key, an index of a list, or all members of either (None)."""
Steps = tuple[Step, ...]
_KEY = re.compile(r"[^.\[\]]+")
_INDEX = re.compile(r"-?\d+")
_SLICE = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?(\s*:\s*(-?\d+)?)?")
_QUOTED = re.compile(r"""(['"]).*\1""")
# Where OpenFn's spelling, read as plain steps, is another path than in RFC 9535.
_AMBIGUOUS = re.compile(r"\\|\s[.\[]")
_OPENFN_FILTER = re.compile(r"\[\s*\?\s*\(")
_PARTS = re.compile(r"""(?:'[^']*'|"[^"]*"|[^,])+""")
_STRICTLY_EQUAL = re.compile(r"""('[^']*'|"[^"]*")|([=!]=)=""")


@dataclass(frozen=True, slots=True)
class Query:
    """A path that plain steps cannot express, in the syntax of RFC 9535."""

    text: str
    members: bool
    """Whether it selects members of a list."""


@cache
def parse(path: str) -> Steps | Query:
    """Parse a path that begins with `$`; raise ValueError with the position of an error.

    >>> parse("$.data.group1/visits[0].@id")
    ('data', 'group1/visits', 0, '@id')
    >>> parse("$..visits[-1:]")
    Query(text='$..visits[-1:]', members=True)
    """
    try:
        loose = _parse_loosely(path)
    except ValueError:
        if standard := _parse_standard(path):
            return standard
        raise
    if isinstance(loose, tuple) and not _AMBIGUOUS.search(path):
        return loose
    if standard := _parse_standard(path):
        return standard
    if isinstance(loose, Query):
        _compiled(loose.text)
    return loose


def find(value: Any, query: Query) -> list[Any]:
    """Return all values that a query selects, in order.

    >>> find({"visits": [{"weight": 2}, {"weight": 4}]}, parse("$.visits[?(@.weight > 3)].weight"))
    [4]
    """
    if not isinstance(value, dict | list):
        return []  # the library would parse a text as JSON
    values: list[Any] = _compiled(query.text).findall(value)
    return values


def _parse_standard(path: str) -> Query | None:
    try:
        segments = _compiled(path).segments
    except ValueError:
        return None
    from jsonpath.selectors import IndexSelector, NameSelector  # noqa: PLC0415 - loaded by then

    selectors = segments[-1].selectors
    members = len(selectors) > 1 or not isinstance(selectors[0], NameSelector | IndexSelector)
    return Query(path, members)


def _parse_loosely(path: str) -> Steps | Query:
    steps: list[Step] = []
    text, position, plain, members = "$", 1, True, False
    while position < len(path):
        deep, selector, position = _segment(path, position)
        parsed = _selector(selector[1:-1].strip()) if selector[0] == "[" else _key(selector)
        text += (".." if deep else "") + parsed.text
        steps.append(parsed.step)
        plain = plain and parsed.plain and not deep
        members = parsed.step is None
    return tuple(steps) if plain else Query(text, members)


def _segment(path: str, start: int) -> tuple[bool, str, int]:
    position = start
    while path.startswith(".", position):
        position += 1
    dots = position - start
    key = _KEY.match(path, position) if dots else None
    end = key.end() if key else _closing(path, position)
    if dots > 2 or end == position:
        raise ValueError(
            f"The path {path!r} is not valid from character {start + 1} on. Write JSONPath such as "
            "$.form.case.@case_id, $.visits[0].date or $['form.xml']."
        )
    return dots == 2, path[position:end], end


def _closing(path: str, start: int) -> int:
    if not path.startswith("[", start):
        return start
    depth, quote = 0, ""
    for position in range(start, len(path)):
        letter = path[position]
        if quote or letter in "'\"":
            quote = "" if letter == quote else quote or letter
        else:
            depth += {"[": 1, "]": -1}.get(letter, 0)
        if not depth:
            return position + 1
    return start


@dataclass(frozen=True, slots=True)
class _Selector:
    text: str
    step: Step
    plain: bool = True


def _key(key: str) -> _Selector:
    return _Selector("[*]", None) if key == "*" else _quoted(key)


def _quoted(key: str) -> _Selector:
    return _Selector(f"[{json.dumps(key, ensure_ascii=False)}]", key)


def _selector(inside: str) -> _Selector:
    if inside.startswith("?"):
        strict = _STRICTLY_EQUAL.sub(lambda match: match[1] or match[2], inside)
        return _Selector(f"[{strict}]", None, plain=False)
    parts = [_part(part.strip()) for part in _PARTS.findall(inside)]
    if len(parts) == 1:
        return parts[0]
    return _Selector(f"[{', '.join(part.text[1:-1] for part in parts)}]", None, plain=False)


def _part(part: str) -> _Selector:
    if _INDEX.fullmatch(part):
        return _Selector(f"[{int(part)}]", int(part))
    if _SLICE.fullmatch(part) or part.startswith("("):  # JavaScript: the library rejects it
        return _Selector(f"[{part}]", None, plain=False)
    return _quoted(part[1:-1]) if _QUOTED.fullmatch(part) else _key(part)


@cache
def _compiled(text: str) -> Any:
    environments, library_error = _library()
    try:
        return environments[bool(_OPENFN_FILTER.search(text))].compile(text)
    except library_error as error:
        raise ValueError(f"{text} is not valid JSONPath: {error.args[0]}.") from None


@cache
def _library() -> tuple[tuple[Any, Any], type[Exception]]:
    # It takes 40 ms to import, which only jobs with such a path should pay.
    import jsonpath  # noqa: PLC0415

    def is_truthy(value: object) -> bool:
        values = value.values() if isinstance(value, jsonpath.NodeList) else [value]
        return any(node is not None and node not in (0, "") for node in values)

    standard: Any = jsonpath.JSONPathEnvironment(strict=True)
    openfn: Any = jsonpath.JSONPathEnvironment(strict=True)
    openfn.is_truthy = is_truthy  # its documented hook
    return (standard, openfn), jsonpath.JSONPathError
