"""The sparse index of items that need attention: unqueued, waiting or failed.

An item is in the index while it has the attributes `attention` (its kind) and `attention_at` (its
sort key: a time, the inbox and id of a late message, the id of a message that is to be matched in
order, or a run's id behind an open circuit). The index is empty while all is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from openfn.storage import services
from openfn.storage.aws import Setting, setting
from openfn.storage.dynamodb_values import Item, from_dynamodb, to_dynamodb
from openfn.storage.table import timestamp

_INDEX = "attention"


class Attention(StrEnum):
    """The kinds of attention.

    Runs behind an open circuit have one per credential, messages to match in order one per inbox.
    """

    UNQUEUED = "unqueued"
    ARRIVED = "arrived"
    RUN_UNQUEUED = "run unqueued"
    WAITING = "waiting"
    CIRCUIT = "circuit"
    FAILED = "failed"


def behind_circuit(credential: str) -> str:
    """Return the kind of the runs that wait for a credential's circuit."""
    return f"{Attention.CIRCUIT} {credential}"


def arrived_at(inbox: str) -> str:
    """Return the kind of an ordered inbox's messages that are not matched yet."""
    return f"{Attention.ARRIVED} {inbox}"


def mark(kind: str, at: float | str) -> Item:
    """Return the changes that put an item into the index, at an epoch time or sort key."""
    return {"attention": str(kind), "attention_at": at if isinstance(at, str) else timestamp(at)}


def clear() -> Item:
    """Return the changes that take an item out of the index."""
    return {"attention": None, "attention_at": None}


def query(kind: str, until: float | None = None, limit: int = 500) -> list[Item]:
    """Return the first indexed items of a kind, up to an epoch time, in order.

    The items have only their keys and the attributes that the index projects.
    """
    response = services.call("dynamodb", "query", **_request(*_condition(kind, until)), Limit=limit)
    return [from_dynamodb(item) for item in response["Items"]]


def pages(kind: str, until: float | None = None, page_size: int = 100) -> Iterator[list[Item]]:
    """Yield all indexed items of a kind as `query` does, in pages that are not empty."""
    request = _request(*_condition(kind, until))
    for page in services.pages("dynamodb", "query", **request, Limit=page_size):
        if items := [from_dynamodb(item) for item in page["Items"]]:
            yield items


def query_between(kind: str, first: str, last: str, limit: int) -> list[Item]:
    """Return the first indexed items of a kind between two sort keys, in order."""
    condition = "attention = :kind AND attention_at BETWEEN :first AND :last"
    values = {":kind": str(kind), ":first": first, ":last": last}
    response = services.call("dynamodb", "query", **_request(condition, values), Limit=limit)
    return [from_dynamodb(item) for item in response["Items"]]


def query_all(kind: str, since: float | None = None) -> Iterator[Item]:
    """Yield all indexed items of a kind, from an epoch time on, page by page."""
    condition, values = "attention = :kind", {":kind": str(kind)}
    if since is not None:
        condition, values[":since"] = f"{condition} AND attention_at >= :since", timestamp(since)
    for page in services.pages("dynamodb", "query", **_request(condition, values)):
        yield from (from_dynamodb(item) for item in page["Items"])


def _condition(kind: str, until: float | None) -> tuple[str, dict[str, str]]:
    if until is None:
        return "attention = :kind", {":kind": str(kind)}
    values = {":kind": str(kind), ":until": timestamp(until)}
    return "attention = :kind AND attention_at <= :until", values


def _request(condition: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "TableName": setting(Setting.TABLE_NAME),
        "IndexName": _INDEX,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_dynamodb(values),
    }
