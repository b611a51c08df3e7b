"""The stack's DynamoDB table: reads and writes in as few calls as possible."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from openfn.errors import ConditionFailed, InvalidItem
from openfn.storage import conflicts, services
from openfn.storage.aws import Setting, setting
from openfn.storage.dynamodb_values import Item, from_dynamodb, to_dynamodb
from openfn.storage.errors import CallRefused

_BATCH_GET = 100
_GROWTH, _LARGEST_PAGE = 4, 10_000
_BATCH_PUT, _BATCH_PUT_BYTES = 100, 3_500_000
_RETURN_ITEM_ON_FAILURE = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def put(*items: Item) -> Item | None:
    """Write items in one transaction if none of them exists; return the one that does, if any.

    An expired item counts as absent: DynamoDB may take days to delete it.
    """
    return put_groups([items])[0]


def put_groups(groups: Sequence[Sequence[Item]]) -> list[Item | None]:
    """Write groups of items as `put` does, and return the existing item of each group.

    One call writes up to 100 items, all or none. After a failed call, the groups that exist are
    left out of the next one.
    """
    existing: list[Item | None] = [None] * len(groups)
    for chunk in _chunks(groups):
        remaining = chunk
        while remaining and (items := _put_all([groups[position] for position in remaining])):
            for index, item in items.items():
                existing[remaining[index]] = item
            remaining = [p for index, p in enumerate(remaining) if index not in items]
    return existing


def update(
    key: Item,
    changes: Item,
    condition: str = "",
    *,
    increment: str | None = None,
    defaults: Item | None = None,
    return_old: bool = False,
    **values: Any,
) -> Item:
    """Set attributes of an item (`None` removes one) if a condition holds; return the item.

    In `condition`, `#name` is an attribute and `:name` is one of `values`; without a condition a
    missing item is created. `increment` names a counter; `defaults` are set where the item has no
    value; `return_old` returns the previous item. Raises `ConditionFailed` with the item as it is,
    and `InvalidItem` if the table refuses the new one.
    """
    request = _update(key, changes, condition, values, increment, defaults or {})
    returned = "ALL_OLD" if return_old else "ALL_NEW"
    with _conditional():
        response = conflicts.write("update_item", **request, ReturnValues=returned)
    return from_dynamodb(response["Attributes"])


def update_and_put(key: Item, changes: Item, condition: str, item: Item, **values: Any) -> None:
    """Update one item as `update` does and write another, both or neither."""
    update = _update(key, changes, condition, values)
    put = {"TableName": setting(Setting.TABLE_NAME), "Item": to_dynamodb(item)}
    with _conditional():
        conflicts.write("transact_write_items", TransactItems=[{"Update": update}, {"Put": put}])


def get(keys: Iterable[Item]) -> list[Item]:
    """Return the items of keys, in no particular order and without missing ones."""
    table, items = setting(Setting.TABLE_NAME), list[Item]()
    pending = [to_dynamodb(key) for key in keys]
    while pending:
        # Consistent, because an id can come off its queue before a replica has the item.
        request = {table: {"Keys": pending[:_BATCH_GET], "ConsistentRead": True}}
        response = services.call("dynamodb", "batch_get_item", RequestItems=request)
        items += [from_dynamodb(item) for item in response["Responses"].get(table, [])]
        unprocessed = response["UnprocessedKeys"].get(table, {}).get("Keys", [])
        if unprocessed:
            time.sleep(0.05)
        pending = pending[_BATCH_GET:] + unprocessed
    return items


def query_range(
    pk: str,
    first: str,
    last: str,
    names: Sequence[str] = (),
    *,
    newest_first: bool = False,
    consistent: bool = False,
    page_size: int | None = None,
    growing: bool = False,
) -> Iterator[Item]:
    """Yield the items of a partition between two sort keys, in order, page by page.

    `names` limits the attributes that are read. A `consistent` read costs twice as much. A page
    has up to 1 MB, or `page_size` items. With `growing`, each page has four times as many as the
    one before: a reader that stops early reads little, and one that does not makes few calls.
    """
    request: dict[str, Any] = {
        "TableName": setting(Setting.TABLE_NAME),
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", "sk", *names)},
        "ExpressionAttributeValues": to_dynamodb({":pk": pk, ":first": first, ":last": last}),
        "ScanIndexForward": not newest_first,
        "ConsistentRead": consistent,
    }
    if names:
        request["ProjectionExpression"] = ", ".join(f"#{name}" for name in names)
    if page_size:
        request["Limit"] = page_size
    while True:
        page = services.call("dynamodb", "query", **request)
        yield from (from_dynamodb(item) for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        if page_size and growing:
            page_size = min(page_size * _GROWTH, _LARGEST_PAGE)
            request["Limit"] = page_size


def timestamp(seconds: float) -> str:
    """Return an epoch time as items store it: ISO 8601 in UTC, which sorts."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@contextmanager
def _conditional() -> Iterator[None]:
    try:
        yield
    except CallRefused as error:
        reasons = conflicts.cancellation_reasons(error)
        for reason in reasons:
            if _is_failed_condition(reason):
                raise ConditionFailed(from_dynamodb(reason.get("Item", {}))) from None
        if any(str(reason.get("Code", "")).startswith("Validation") for reason in reasons):
            raise InvalidItem("The table refuses the item. It may be too large.") from error
        raise


def _chunks(groups: Sequence[Sequence[Item]]) -> Iterator[list[int]]:
    chunk: list[int] = []
    chunk_keys: set[tuple[str, str]] = set()
    chunk_bytes = 0
    for position, group in enumerate(groups):
        keys, size = {(item["pk"], item["sk"]) for item in group}, sum(map(_size, group))
        is_full = len(chunk_keys) + len(keys) > _BATCH_PUT or chunk_bytes + size > _BATCH_PUT_BYTES
        # One transaction takes a key only once: of two groups with one key the later finds it.
        if chunk and (is_full or chunk_keys & keys):
            yield chunk
            chunk, chunk_keys, chunk_bytes = [], set(), 0
        chunk.append(position)
        chunk_keys, chunk_bytes = chunk_keys | keys, chunk_bytes + size
    if chunk:
        yield chunk


def _size(item: Item) -> int:
    return sum(len(value) for value in item.values() if isinstance(value, str | bytes))


def _put_all(groups: Sequence[Sequence[Item]]) -> dict[int, Item]:
    """Write all groups, or none and return the existing items by the group's index."""
    owners = [index for index, group in enumerate(groups) for _ in group]
    condition = {
        "ConditionExpression": "attribute_not_exists(pk) OR #expires < :now",
        "ExpressionAttributeNames": {"#expires": "expires"},
        "ExpressionAttributeValues": to_dynamodb({":now": int(time.time())}),
        **_RETURN_ITEM_ON_FAILURE,
    }
    table = setting(Setting.TABLE_NAME)
    puts = [
        {"TableName": table, "Item": to_dynamodb(item), **condition}
        for group in groups
        for item in group
    ]
    try:
        if len(puts) == 1:
            conflicts.write("put_item", **puts[0])
        else:
            conflicts.write("transact_write_items", TransactItems=[{"Put": put} for put in puts])
    except CallRefused as error:
        return _existing_items(error, owners)
    return {}


def _existing_items(error: CallRefused, owners: Sequence[int]) -> dict[int, Item]:
    existing: dict[int, Item] = {}
    for owner, reason in zip(owners, conflicts.cancellation_reasons(error), strict=False):
        if _is_failed_condition(reason):
            existing.setdefault(owner, from_dynamodb(reason.get("Item", {})))
    if not existing:
        raise error
    return existing


def _is_failed_condition(reason: Item) -> bool:
    return str(reason.get("Code", "")).startswith("ConditionalCheckFailed")


def _update(
    key: Item,
    changes: Item,
    condition: str,
    values: Mapping[str, Any],
    increment: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    defaults = defaults or {}
    new = {name: value for name, value in changes.items() if value is not None}
    sets = [f"#{name} = :new_{name}" for name in new]
    sets += [f"#{name} = if_not_exists(#{name}, :default_{name})" for name in defaults]
    removes = [f"#{name}" for name in changes if name not in new]
    adds = [f"#{increment} :one"] if increment else []
    clauses = {"SET": sets, "REMOVE": removes, "ADD": adds}
    names = {*changes, *defaults, *re.findall(r"#(\w+)", condition), increment} - {None}
    all_values = {
        **{f":new_{name}": value for name, value in new.items()},
        **{f":default_{name}": value for name, value in defaults.items()},
        **{f":{name}": value for name, value in values.items()},
        **({":one": 1} if increment else {}),
    }
    request: dict[str, Any] = {
        "TableName": setting(Setting.TABLE_NAME),
        "Key": to_dynamodb(key),
        "UpdateExpression": " ".join(f"{verb} {', '.join(c)}" for verb, c in clauses.items() if c),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }
    if condition:
        request |= {"ConditionExpression": condition, **_RETURN_ITEM_ON_FAILURE}
    if all_values:
        request["ExpressionAttributeValues"] = to_dynamodb(all_values)
    return request
