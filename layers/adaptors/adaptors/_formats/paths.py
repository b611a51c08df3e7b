"""Paths into data: dots between literal keys, `[0]` and `[*]` into lists; JSONPath after a `$`.

A key may hold anything but a dot and a bracket: `form.@xmlns`, `group1/name`,
`data[0].*meta-instance-id*`. A key with dots is written in brackets: `attachments['form.xml']`.
`$` is the value that is looked into: `$.visits[-1:]`, `$..case_id`, `$.visits[?(@.weight > 3)]`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from adaptors._formats import jsonpath
from adaptors._formats.jsonpath import Query, Steps

_STEP = re.compile(
    r"""\[(?P<index>-?\d+)\] | \[(?P<every>\*)\] | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]
      | (?:^|\.)(?P<key>[^.\[\]]+)""",
    re.VERBOSE,
)


def find(value: Any, path: str) -> list[Any]:
    """Give all values at a path, in order; an empty list where there is none.

    >>> find({"visits": [{"date": "1 May"}, {"date": "2 May"}]}, "visits[*].date")
    ['1 May', '2 May']
    """
    way = read(path)
    if isinstance(way, Query):
        return jsonpath.find(value, way)
    found = [value]
    for step in way:
        found = [part for each in found for part in _children(each, step)]
    return found


def first(value: Any, path: str) -> Any:
    """Give the first value at a path, or `None` where there is none.

    >>> first({"data": [{"*meta-instance-id*": "uuid:1"}]}, "data[0].*meta-instance-id*")
    'uuid:1'
    """
    return next(iter(find(value, path)), None)


def read(path: str) -> Steps | Query:
    """Read a path of either kind; `ValueError` says what is odd.

    >>> read("$.visits[*].date")
    ('visits', None, 'date')
    """
    return jsonpath.read(path) if path.startswith("$") else steps(path)


def ends_in_members(path: str) -> bool:
    """Tell whether a path picks members of a list, rather than one value by its key or place.

    >>> ends_in_members("visits[*]"), ends_in_members("visits")
    (True, False)
    """
    way = read(path)
    return way.members if isinstance(way, Query) else way[-1:] == (None,)


@cache
def steps(path: str) -> Steps:
    """Give a plain path's keys and places in lists, `None` for `[*]`; `ValueError` if it is none.

    >>> steps("data[0].*meta-instance-id*")
    ('data', 0, '*meta-instance-id*')
    """
    found: list[str | int | None] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match or (position == 0 and path.startswith(".")):
            raise ValueError(
                f"the path {path!r} is not understood from character {position + 1} on; "
                "write keys with dots between them, such as form.case.@case_id or data[0].name, "
                "or JSONPath, which begins with $"
            )
        position = match.end()
        if match["index"]:
            found.append(int(match["index"]))
        else:
            found.append(match["quoted"] if match["quote"] else match["key"])
    return tuple(found)


def _children(value: Any, step: str | int | None) -> list[Any]:
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
