"""Find messages of a stack by values of their bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from adaptors._formats.paths import steps
from openfn.errors import NotFound, UnreadableBody
from openfn.history import queries
from openfn.history.queries import Period
from openfn.messages import bodies, store
from openfn.project.triggers import with_query_params
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type
from workbench.errors import CommandError

_ATTRIBUTES = ("pk", "sk", "inbox", "request", "erased", "body", "body_zlib", "body_object")


@dataclass(frozen=True, slots=True)
class Condition:
    """A path in a body, and the text that one of its values must have."""

    path: tuple[Any, ...]
    value: str


@dataclass(slots=True)
class SearchResult:
    """The ids of the messages that match, and how many were read."""

    ids: list[str] = field(default_factory=list)
    read: int = 0
    unreadable: int = 0
    """How many bodies could not be searched, because they have no format that is supported."""
    more: bool = False
    """Whether the period has more messages than the search was allowed to read."""


def parse_condition(text: str) -> Condition:
    """Parse `path=value`; raise `CommandError` if it is not one."""
    path, equals, value = text.partition("=")
    try:
        parsed = steps(path)
    except ValueError as error:
        raise CommandError(f"--where {text}: {error}") from None
    if not equals or not parsed:
        raise CommandError(f"--where {text}: Write a path and a value, such as case.@case_id=ab12.")
    return Condition(tuple(parsed), value)


def search(
    period: Period,
    conditions: Sequence[Condition],
    limit: int,
    on_progress: Callable[[int], object],
) -> SearchResult:
    """Read the messages of a period, at most `limit`, and return those that meet all conditions."""
    result = SearchResult()
    for items in queries.newest_first(period, _ATTRIBUTES):
        item = items[0]
        if item_type(item) is not ItemType.MESSAGE or store.is_erased(item):
            continue
        if result.read == limit:
            result.more = True
            break
        result.read += 1
        on_progress(1)
        _add_if_matching(result, item, conditions)
    return result


def _add_if_matching(result: SearchResult, item: Item, conditions: Sequence[Condition]) -> None:
    try:
        message = store.from_item(item)
        parsed = bodies.parse_exact(message.body, message.headers)
    except (NotFound, UnreadableBody):
        result.unreadable += 1
        return
    body = with_query_params(parsed, dict(message.query_params))
    if all(_has_value(body, condition) for condition in conditions):
        result.ids.append(message.id)


def _has_value(body: Any, condition: Condition) -> bool:
    return any(_equals(value, condition.value) for value in _values_at(body, condition.path))


def _equals(value: Any, text: str) -> bool:
    if isinstance(value, str) or value is None:
        return (value or "") == text
    if isinstance(value, bool | dict | list):
        return json.dumps(value, default=str) == text
    try:
        return bool(Decimal(value) == Decimal(text))
    except InvalidOperation:
        return False


def _values_at(value: Any, path: Sequence[Any]) -> Iterator[Any]:
    """Yield the values at a path; a list stands for each of its elements."""
    step, rest = (path[0], path[1:]) if path else (None, ())
    if isinstance(value, list) and not isinstance(step, int):
        for element in value:
            yield from _values_at(element, path[1:] if path and step is None else path)
    elif not path:
        yield value
    elif isinstance(value, list) and isinstance(step, int):
        yield from (_values_at(value[step], rest) if -len(value) <= step < len(value) else ())
    elif isinstance(value, dict) and step in value:
        yield from _values_at(value[step], rest)
