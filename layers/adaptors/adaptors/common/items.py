"""Where the items come from that an operation or a value goes through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adaptors._formats import paths
from adaptors.operations import State, Value, resolve

Source = str | Value | Iterable[Any]
"""A path in the data, a path from the whole state (`$.data.visits[*]`), a function of the state, or
the items themselves."""


def checked(source: Source) -> Source:
    """Give a source as it is; `ValueError` where it is a path that cannot be read.

    >>> checked("visits[*]")
    'visits[*]'
    """
    if isinstance(source, str):
        paths.parse(source)
    return source


def items(state: State, source: Source) -> Iterator[Any]:
    """Give the items of a source, one after the other; a single value counts as a list of one.

    >>> list(items({"data": {"child": {"name": "Amina"}}}, "child"))
    [{'name': 'Amina'}]
    """
    if isinstance(source, str):
        # What a path picks with `[*]` are the items, be they lists themselves.
        members = paths.ends_in_members(source)
        root = state if source.startswith("$") else state.get("data")
        for value in paths.find(root, source):
            yield from [value] if members else _listed(value)
    else:
        yield from _listed(resolve(state, source))


def _listed(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return value if several else [value]
