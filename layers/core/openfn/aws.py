"""The AWS services behind the stack: the one place of boto3 and of environment names."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from openfn.errors import place

Item = dict[str, Any]
Trouble = (BotoCoreError, ClientError)
"""What a service raises when it does not do what it is asked."""

# Together the calls behind one post stay within the 10 s of the most impatient source (DHIS2), also
# when a service takes the connection and never answers. What is queued is delivered again anyway.
_CONNECT_SECONDS, _READ_SECONDS = 1, 1.5
_ATTEMPTS = {"sqs": 1}
_BATCH_GET = 100
_BATCH_SEND = 10
_to_dynamodb = TypeSerializer().serialize
_from_dynamodb = TypeDeserializer().deserialize


class Setting(StrEnum):
    """The environment variables that template.yaml gives to every function."""

    TABLE_NAME = "TABLE_NAME"
    BUCKET_NAME = "BUCKET_NAME"
    MATCH_QUEUE_URL = "MATCH_QUEUE_URL"
    RUN_QUEUE_URL = "RUN_QUEUE_URL"
    CREDENTIALS_PREFIX = "CREDENTIALS_PREFIX"
    INBOX_SECRETS_PREFIX = "INBOX_SECRETS_PREFIX"
    PROJECT_DIR = "PROJECT_DIR"
    RETENTION_DAYS = "RETENTION_DAYS"


def setting(name: Setting) -> str:
    """Read one environment variable of the function."""
    return os.environ[name]


@cache
def client(service: str) -> Any:
    """Give the one client of a service; ask for it at import to pay for it during INIT."""
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _ATTEMPTS.get(service, 2), "mode": "standard"},
    )
    return boto3.client(cast("Any", service), config=config)


def put(*items: Item) -> Item | None:
    """Write items, several in one transaction, if none exists; give the one that does, if any.

    What has expired counts as gone: DynamoDB may take days to delete it.
    """
    condition = {
        "ConditionExpression": "attribute_not_exists(pk) OR #expires < :now",
        "ExpressionAttributeNames": {"#expires": "expires"},
        "ExpressionAttributeValues": _typed({":now": int(time.time())}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    puts = [
        {"TableName": setting(Setting.TABLE_NAME), "Item": _typed(item), **condition}
        for item in items
    ]
    try:
        if len(puts) == 1:
            client("dynamodb").put_item(**puts[0])
        else:
            client("dynamodb").transact_write_items(TransactItems=[{"Put": put} for put in puts])
    except ClientError as error:
        whole = cast("Item", error.response)
        alone = {**whole["Error"], "Item": whole.get("Item", {})}
        for reason in whole.get("CancellationReasons", [alone]):
            if str(reason.get("Code", "")).startswith("ConditionalCheckFailed"):
                return _plain(reason.get("Item", {}))
        raise
    return None


def update(key: Item, changes: Item, when: str, *, add: str | None = None, **values: Any) -> Item:
    """Set attributes of one item (`None` removes one) if the condition holds; give the item.

    In `when`, `#name` stands for an attribute and `:name` for one of `values`; `add` names a
    counter to raise by one. Raises botocore's ConditionalCheckFailedException, which carries the
    item as it is: see `item_in`.
    """
    new = {name: value for name, value in changes.items() if value is not None}
    clauses = {
        "SET": [f"#{name} = :new_{name}" for name in new],
        "REMOVE": [f"#{name}" for name in changes if name not in new],
        "ADD": [f"#{add} :one"] if add else [],
    }
    names = {*changes, *re.findall(r"#(\w+)", when), *([add] if add else [])}
    all_values = {f":new_{name}": value for name, value in new.items()}
    all_values |= {f":{name}": value for name, value in values.items()}
    all_values |= {":one": 1} if add else {}
    request: dict[str, Any] = {
        "TableName": setting(Setting.TABLE_NAME),
        "Key": _typed(key),
        "UpdateExpression": " ".join(f"{verb} {', '.join(c)}" for verb, c in clauses.items() if c),
        "ConditionExpression": when,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if all_values:
        request["ExpressionAttributeValues"] = _typed(all_values)
    return _plain(client("dynamodb").update_item(**request)["Attributes"])


def item_in(error: ClientError) -> Item:
    """Give the item that made an `update`'s condition fail; empty if there is none."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    item: Item = error.response.get("Item", {})  # type: ignore[assignment]
    return _plain(item)


def get(keys: Iterable[Item]) -> list[Item]:
    """Read items by key, in no particular order; those that do not exist are left out."""
    table, found = setting(Setting.TABLE_NAME), []
    wanted = [_typed(key) for key in keys]
    while wanted:
        # Consistent, because an id can come off its queue before a replica has the item.
        request = {table: {"Keys": wanted[:_BATCH_GET], "ConsistentRead": True}}
        answer = client("dynamodb").batch_get_item(RequestItems=request)
        found += [_plain(item) for item in answer["Responses"].get(table, [])]
        left = answer["UnprocessedKeys"].get(table, {}).get("Keys", [])
        if left:
            time.sleep(0.05)
        wanted = wanted[_BATCH_GET:] + left
    return found


def query(index: str, attribute: str, value: str, limit: int) -> list[Item]:
    """Read the first items of one value in an index, in the order of its sort key."""
    answer = client("dynamodb").query(
        TableName=setting(Setting.TABLE_NAME),
        IndexName=index,
        KeyConditionExpression="#a = :v",
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues=_typed({":v": value}),
        Limit=limit,
    )
    return [_plain(item) for item in answer["Items"]]


def send(queue: Setting, bodies: Sequence[str]) -> dict[str, str]:
    """Put texts on a queue in as few calls as can be; give those it did not take, with why."""
    refused: dict[str, str] = {}
    for start in range(0, len(bodies), _BATCH_SEND):
        part = bodies[start : start + _BATCH_SEND]
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(part)]
        try:
            answer = client("sqs").send_message_batch(QueueUrl=setting(queue), Entries=entries)
        except Trouble as error:
            refused |= dict.fromkeys(part, place(error)["error"])
        else:
            refused |= {part[int(each["Id"])]: each["Code"] for each in answer.get("Failed", [])}
    return refused


def put_object(key: str, content: bytes) -> None:
    """Keep bytes in the bucket."""
    client("s3").put_object(Bucket=setting(Setting.BUCKET_NAME), Key=key, Body=content)


def get_object(key: str) -> bytes | None:
    """Read bytes from the bucket; `None` when they are there no more."""
    try:
        answer = client("s3").get_object(Bucket=setting(Setting.BUCKET_NAME), Key=key)
    except ClientError as error:
        # Without leave to list the bucket, S3 calls what is not there forbidden.
        if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
            return None
        raise
    content: bytes = answer["Body"].read()
    return content


def secret(name: str) -> str | None:
    """Read the text of a secret; `None` when there is none by that name."""
    try:
        answer = client("secretsmanager").get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    text: str = answer["SecretString"]
    return text


def _typed(item: Mapping[str, Any]) -> Item:
    return {name: _to_dynamodb(value) for name, value in item.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    plain = {name: _from_dynamodb(value) for name, value in item.items()}
    return {name: getattr(value, "value", value) for name, value in plain.items()}
