"""Paths into data: dots between keys, `[0]` and `[*]` for lists; JSONPath after a `$`.

A key may contain anything but a dot and a bracket: `form.@xmlns`, `group1/name`,
`data[0].*meta-instance-id*`. A key with dots is quoted in brackets: `attachments['form.xml']`.
`[*]` is each member of a list, and an object or a text itself: a repeat with one entry comes so.
`$` is the searched value itself: `$.visits[-1:]`, `$..case_id`, `$.visits[?(@.weight > 3)]`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from adaptors._formats import jsonpath
from adaptors._formats.jsonpath import Query, Step, Steps

_STEP = re.compile(
    r"""\[(?P<index>-?\d+)\] | \[(?P<every>\*)\] | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]
      | (?:^|\.)(?P<key>[^.\[\]]+)""",
    re.VERBOSE,
)


def find(value: Any, path: str) -> list[Any]:
    """Return all values at a path, in order.

    >>> find({"visits": [{"date": "1 May"}, {"date": "2 May"}]}, "visits[*].date")
    ['1 May', '2 May']
    """
    parsed = parse(path)
    if isinstance(parsed, Query):
        return jsonpath.find(value, parsed)
    values, children = [value], _children if path.startswith("$") else _entries
    for step in parsed:
        values = [child for parent in values for child in children(parent, step)]
    return values


def first(value: Any, path: str) -> Any:
    """Return the first value at a path, or None.

    >>> first({"data": [{"*meta-instance-id*": "uuid:1"}]}, "data[0].*meta-instance-id*")
    'uuid:1'
    """
    return next(iter(find(value, path)), None)


def parse(path: str) -> Steps | Query:
    """Parse a path of either kind; raise ValueError for an invalid one.

    >>> parse("$.visits[*].date")
    ('visits', None, 'date')
    """
    return jsonpath.parse(path) if path.startswith("$") else steps(path)


def ends_in_members(path: str) -> bool:
    """Return whether a path selects members of a list, rather than one value by key or index.

    >>> ends_in_members("visits[*]"), ends_in_members("visits")
    (True, False)
    """
    parsed = parse(path)
    return parsed.members if isinstance(parsed, Query) else parsed[-1:] == (None,)


@cache
def steps(path: str) -> Steps:
    """Return the keys and indexes of a plain path, None for `[*]`; raise ValueError if invalid.

    >>> steps("data[0].*meta-instance-id*")
    ('data', 0, '*meta-instance-id*')
    """
    parsed: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match or (position == 0 and path.startswith(".")):
            raise ValueError(
                f"The path {path!r} is not valid from character {position + 1} on. Write keys with "
                "dots between them, such as form.case.@case_id or data[0].name, or JSONPath, which "
                "begins with $."
            )
        position = match.end()
        if match["index"]:
            parsed.append(int(match["index"]))
        else:
            parsed.append(match["quoted"] if match["quote"] else match["key"])
    return tuple(parsed)


def _entries(value: Any, step: Step) -> list[Any]:
    # CommCare and XML send a repeat with one entry as that entry: an object, or its text.
    is_entry = isinstance(value, dict) or (isinstance(value, str) and value)
    return [value] if step is None and is_entry else _children(value, step)


def _children(value: Any, step: Step) -> list[Any]:
    if isinstance(value, dict):
        if step is None:
            return list(value.values())
        return [value[step]] if step in value else []
    if isinstance(value, list):
        if step is None:
            return value
        if isinstance(step, int) and -len(value) <= step < len(value):
            return [value[step]]
    return []
