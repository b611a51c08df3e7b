"""The source of the items that an operation or a value iterates over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adaptors._formats import paths
from adaptors.operations import State, Value, resolve

Source = str | Value | Iterable[Any]
"""A path in the data, a path from the whole state (`$.data.visits[*]`), a function of the state, or
the items themselves."""


def check_source(source: Source) -> Source:
    """Return a source unchanged; raise ValueError for an invalid path.

    >>> check_source("visits[*]")
    'visits[*]'
    """
    if isinstance(source, str):
        paths.parse(source)
    return source


def items(state: State, source: Source) -> Iterator[Any]:
    """Yield the items of a source; a single value counts as a list of one.

    >>> list(items({"data": {"child": {"name": "Amina"}}}, "child"))
    [{'name': 'Amina'}]
    """
    if isinstance(source, str):
        # The matches of a path with `[*]` are the items, even if they are lists themselves.
        members = paths.ends_in_members(source)
        root = state if source.startswith("$") else state.get("data")
        for value in paths.find(root, source):
            yield from [value] if members else _as_list(value)
    else:
        yield from _as_list(resolve(state, source))


def _as_list(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return value if is_list else [value]
