"""The stack's one table: items written and read in as few calls as can be."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import ClientError

from openfn.errors import ConditionFailed
from openfn.storage.aws import Item, Setting, client, plain, setting, typed

_BATCH_GET = 100
_BATCH_PUT, _BATCH_PUT_BYTES = 100, 3_500_000


def put(*items: Item) -> Item | None:
    """Write items, several in one transaction, if none exists; give the one that does, if any.

    What has expired counts as gone: DynamoDB may take days to delete it.
    """
    return put_each([items])[0]


def put_each(groups: Sequence[Sequence[Item]]) -> list[Item | None]:
    """Do for many groups of items what `put` does for one, in as few calls as can be.

    A call takes up to 100 items, all or none: what existed is left out of the next try.
    """
    existing: list[Item | None] = [None] * len(groups)
    for chunk in _chunks(groups):
        left = chunk
        while left and (found := _put_together([groups[position] for position in left])):
            for index, item in found.items():
                existing[left[index]] = item
            left = [position for index, position in enumerate(left) if index not in found]
    return existing


def update(
    key: Item,
    changes: Item,
    when: str = "",
    *,
    add: str | None = None,
    once: Item | None = None,
    give_old: bool = False,
    **values: Any,
) -> Item:
    """Set attributes of one item (`None` removes one) if the condition holds; give the item.

    Without a condition the item is made if it is not there.

    In `when`, `#name` stands for an attribute and `:name` for one of `values`; `add` names a
    counter to raise by one, `once` has what is set where there is nothing yet; with `give_old` the
    item as it was is given. Raises `ConditionFailed`, which carries the item as it is.
    """
    request = _update(key, changes, when, values, add, once or {})
    returned = "ALL_OLD" if give_old else "ALL_NEW"
    with _conditional():
        response = client("dynamodb").update_item(**request, ReturnValues=returned)
    return plain(response["Attributes"])


def update_and_put(key: Item, changes: Item, when: str, item: Item, **values: Any) -> None:
    """Do what `update` does and write another item, both or neither."""
    request = _update(key, changes, when, values)
    put = {"TableName": setting(Setting.TABLE_NAME), "Item": typed(item)}
    with _conditional():
        client("dynamodb").transact_write_items(TransactItems=[{"Update": request}, {"Put": put}])


def get(keys: Iterable[Item]) -> list[Item]:
    """Read items by key, in no particular order; those that do not exist are left out."""
    table, found = setting(Setting.TABLE_NAME), []
    wanted = [typed(key) for key in keys]
    while wanted:
        # Consistent, because an id can come off its queue before a replica has the item.
        request = {table: {"Keys": wanted[:_BATCH_GET], "ConsistentRead": True}}
        answer = client("dynamodb").batch_get_item(RequestItems=request)
        found += [plain(item) for item in answer["Responses"].get(table, [])]
        left = answer["UnprocessedKeys"].get(table, {}).get("Keys", [])
        if left:
            time.sleep(0.05)
        wanted = wanted[_BATCH_GET:] + left
    return found


def between(pk: str, first: str, last: str, names: Sequence[str] = ()) -> Iterator[Item]:
    """Read the items of a partition whose sort keys lie between two, in order, page by page.

    With `names` only these attributes are given.
    """
    request: dict[str, Any] = {
        "TableName": setting(Setting.TABLE_NAME),
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", "sk", *names)},
        "ExpressionAttributeValues": typed({":pk": pk, ":first": first, ":last": last}),
    }
    if names:
        request["ProjectionExpression"] = ", ".join(f"#{name}" for name in names)
    for page in client("dynamodb").get_paginator("query").paginate(**request):
        yield from (plain(item) for item in page["Items"])


def timestamp(seconds: float) -> str:
    """Return an epoch time as items store it: ISO 8601 in UTC, which sorts."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@contextmanager
def _conditional() -> Iterator[None]:
    """Raise `ConditionFailed` for a write whose condition does not hold."""
    try:
        yield
    except ClientError as error:
        for reason in _reasons(error):
            if _is_failed_condition(reason):
                raise ConditionFailed(plain(reason.get("Item", {}))) from None
        raise


def _chunks(groups: Sequence[Sequence[Item]]) -> Iterator[list[int]]:
    chunk: list[int] = []
    keys: set[tuple[str, str]] = set()
    size = 0
    for position, group in enumerate(groups):
        own, more = {(item["pk"], item["sk"]) for item in group}, sum(map(_size, group))
        # One transaction takes no item twice: of two with one key the later then finds the other.
        full = len(keys) + len(own) > _BATCH_PUT or size + more > _BATCH_PUT_BYTES
        if chunk and (full or keys & own):
            yield chunk
            chunk, keys, size = [], set(), 0
        chunk.append(position)
        keys, size = keys | own, size + more
    if chunk:
        yield chunk


def _size(item: Item) -> int:
    return sum(len(value) for value in item.values() if isinstance(value, str | bytes))


def _put_together(groups: Sequence[Sequence[Item]]) -> dict[int, Item]:
    owners = [index for index, group in enumerate(groups) for _ in group]
    condition = {
        "ConditionExpression": "attribute_not_exists(pk) OR #expires < :now",
        "ExpressionAttributeNames": {"#expires": "expires"},
        "ExpressionAttributeValues": typed({":now": int(time.time())}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    table = setting(Setting.TABLE_NAME)
    puts = [
        {"TableName": table, "Item": typed(item), **condition} for group in groups for item in group
    ]
    try:
        if len(puts) == 1:
            client("dynamodb").put_item(**cast("Any", puts[0]))
        else:
            transaction: Any = [{"Put": put} for put in puts]
            client("dynamodb").transact_write_items(TransactItems=transaction)
    except ClientError as error:
        return _existing(error, owners)
    return {}


def _existing(error: ClientError, owners: Sequence[int]) -> dict[int, Item]:
    found: dict[int, Item] = {}
    for owner, reason in zip(owners, _reasons(error), strict=False):
        if _is_failed_condition(reason):
            found.setdefault(owner, plain(reason.get("Item", {})))
    if not found:
        raise error
    return found


def _reasons(error: ClientError) -> list[Item]:
    response = cast("Item", error.response)
    reasons: list[Item] = response.get("CancellationReasons", [{**response, **response["Error"]}])
    return reasons


def _is_failed_condition(reason: Item) -> bool:
    return str(reason.get("Code", "")).startswith("ConditionalCheckFailed")


def _update(
    key: Item,
    changes: Item,
    when: str,
    values: Mapping[str, Any],
    add: str | None = None,
    once: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    new = {name: value for name, value in changes.items() if value is not None}
    first = once or {}
    sets = [f"#{name} = :new_{name}" for name in new]
    sets += [f"#{name} = if_not_exists(#{name}, :once_{name})" for name in first]
    clauses = {
        "SET": sets,
        "REMOVE": [f"#{name}" for name in changes if name not in new],
        "ADD": [f"#{add} :one"] if add else [],
    }
    names = {*changes, *first, *re.findall(r"#(\w+)", when), *([add] if add else [])}
    all_values = {f":new_{name}": value for name, value in new.items()}
    all_values |= {f":once_{name}": value for name, value in first.items()}
    all_values |= {f":{name}": value for name, value in values.items()}
    all_values |= {":one": 1} if add else {}
    request: dict[str, Any] = {
        "TableName": setting(Setting.TABLE_NAME),
        "Key": typed(key),
        "UpdateExpression": " ".join(f"{verb} {', '.join(c)}" for verb, c in clauses.items() if c),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }
    if when:
        request |= {"ConditionExpression": when, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if all_values:
        request["ExpressionAttributeValues"] = typed(all_values)
    return request
