"""Copy what the stack's table lacks from a table that point-in-time recovery has created.

Items stay as DynamoDB's API represents them, so a copy is exact. An item that the stack's table
has is newer and is never overwritten.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from openfn.storage.aws import Setting, setting
from workbench.errors import CommandError

_BATCH = 100  # BatchGetItem's maximum
_KEYS = ("pk", "sk")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the restored table: how many items it has, and those that are to be copied."""

    count: int
    missing: tuple[dict[str, Any], ...]


def check(restored: str) -> None:
    """Raise CommandError unless a table is ready, and has the items of a stack."""
    if restored == setting(Setting.TABLE_NAME):
        raise CommandError(f"{restored} is the table of the stack itself. Name the restored one.")
    try:
        table = _dynamodb().describe_table(TableName=restored)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise CommandError(f"There is no table {restored} in this region.") from None
    if tuple(key["AttributeName"] for key in table["KeySchema"]) != _KEYS:
        raise CommandError(f"{restored} was not restored from the table of a stack.")
    if table["TableStatus"] != "ACTIVE":
        raise CommandError(f"{restored} is still being restored. Try again in some minutes.")


def pages(restored: str) -> Iterator[Page]:
    """Read the restored table, and find the items that the stack's table lacks.

    Expired items are left out.
    """
    for page in _dynamodb().get_paginator("scan").paginate(TableName=restored):
        items = [item for item in page["Items"] if not _is_expired(item)]
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            existing = _existing([{name: item[name] for name in _KEYS} for item in batch])
            missing = tuple(item for item in batch if _key(item) not in existing)
            yield Page(len(batch), missing)


def copy(item: dict[str, Any]) -> bool:
    """Write an item to the stack's table unless one with its key exists; return whether it did."""
    try:
        _dynamodb().put_item(
            TableName=setting(Setting.TABLE_NAME),
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _dynamodb() -> Any:
    from openfn.storage.boto3_services import client  # noqa: PLC0415 - it takes long to import

    return client("dynamodb")


def _existing(keys: list[dict[str, Any]]) -> set[tuple[str, str]]:
    table = setting(Setting.TABLE_NAME)
    found: set[tuple[str, str]] = set()
    names = {f"#{name}": name for name in _KEYS}
    while keys:
        response = _dynamodb().batch_get_item(
            RequestItems={
                table: {
                    "Keys": keys,
                    "ConsistentRead": True,
                    "ProjectionExpression": ", ".join(names),
                    "ExpressionAttributeNames": names,
                }
            }
        )
        found |= {_key(item) for item in response["Responses"][table]}
        keys = response["UnprocessedKeys"].get(table, {}).get("Keys", [])
    return found


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _is_expired(item: dict[str, Any]) -> bool:
    return "expires" in item and int(item["expires"]["N"]) < time.time()
