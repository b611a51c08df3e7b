"""The source of the items that an operation or a value iterates over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
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

    An empty text in place of a list or among objects is an element of XML without content, and no
    item.

    >>> list(items({"data": {"child": {"name": "Amina"}}}, "child"))
    [{'name': 'Amina'}]
    """
    if not isinstance(source, str):
        yield from _as_list(resolve(state, source))
        return
    matches = paths.find(_root(state, source), source)
    # The matches of a path with `[*]` are the items, even if they are lists themselves.
    yield from _without_empty(
        matches
        if paths.ends_in_members(source)
        else list(chain.from_iterable(map(_as_list, matches)))
    )


def find_source(state: State, source: Source) -> Any:
    """Return the first value of a source as it is, or None.

    >>> find_source({"data": {"villages": {"Kolo": ["Amina"]}}}, "villages")
    {'Kolo': ['Amina']}
    """
    if isinstance(source, str):
        return paths.first(_root(state, source), source)
    return resolve(state, source)


def check_dicts(matches: Iterator[Any], function: str) -> Iterator[dict[str, Any]]:
    """Yield items that must be dicts; raise TypeError for another.

    >>> list(check_dicts(iter([{"name": "Amina"}]), "merge"))
    [{'name': 'Amina'}]
    """
    for item in matches:
        if not isinstance(item, dict):
            raise TypeError(
                f"{function} adds fields to objects, but an item is of type {type(item).__name__}. "
                "Check the path of the items."
            )
        yield item


def _root(state: State, path: str) -> Any:
    return state if path.startswith("$") else state.get("data")


def _without_empty(values: list[Any]) -> list[Any]:
    if any(isinstance(value, dict) for value in values):
        return [value for value in values if value != ""]
    return values


def _as_list(value: Any) -> Iterable[Any]:
    if value is None or (isinstance(value, str) and not value):
        return []
    if isinstance(value, list):
        return _without_empty(value)
    is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return value if is_list else [value]
