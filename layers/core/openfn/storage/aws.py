"""The AWS services behind the stack: the one place of boto3 and of environment names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, cast
from uuid import uuid4

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from openfn.errors import place

Item = dict[str, Any]
AWSError = (BotoCoreError, ClientError)
"""The errors that calls of AWS services raise."""

# Together the calls behind one post stay within the 10 s of the most impatient source (DHIS2), also
# when a service takes the connection and never answers. What is queued is delivered again anyway.
_CONNECT_SECONDS, _READ_SECONDS = 1, 1.5
_ATTEMPTS = {"sqs": 1}
_BATCH_SEND = 10
_LONGEST = 43_000
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


def send(queue: Setting, texts: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Put texts on a queue, each in its group, in as few calls as can be.

    What is in one group is delivered in the order given here, one at a time. Gives the texts the
    queue did not take, with why; behind one of those its group is not sent.
    """
    refused: dict[str, str] = {}
    stopped: dict[str, str] = {}
    for start, end in _parts(texts):
        part = texts[start:end]
        refused |= {text: stopped[group] for text, group in part if group in stopped}
        try:
            failed = _send([each for each in part if each[0] not in refused], setting(queue))
        except AWSError as error:  # it would refuse the rest as well, after a time-out each
            why = place(error)["error"]
            return refused | {text: why for text, _ in texts[start:]}
        refused |= {text: why for (text, _), why in failed.items()}
        stopped |= {group: why for (_, group), why in failed.items()}
    return refused


def hide(queue: Setting, receipt: str, seconds: int) -> None:
    """Let what was received from a queue stay there, unseen for so many seconds (12 h at most)."""
    client("sqs").change_message_visibility(
        QueueUrl=setting(queue), ReceiptHandle=receipt, VisibilityTimeout=min(seconds, _LONGEST)
    )


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


def delete_object(key: str) -> None:
    """Delete bytes from the bucket, if they are there."""
    client("s3").delete_object(Bucket=setting(Setting.BUCKET_NAME), Key=key)


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


def typed(item: Mapping[str, Any]) -> Item:
    """Give an item as DynamoDB writes it, each value with its type."""
    return {name: _to_dynamodb(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> Item:
    """Give an item DynamoDB wrote as plain values."""
    plain = {name: _from_dynamodb(value) for name, value in item.items()}
    return {name: getattr(value, "value", value) for name, value in plain.items()}


def _parts(texts: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    # One of a group to a call: SQS may refuse the first of two and take the second.
    start, groups = 0, set[str]()
    for number, (_, group) in enumerate(texts):
        if number - start == _BATCH_SEND or group in groups:
            yield start, number
            start, groups = number, set()
        groups.add(group)
    if texts:
        yield start, len(texts)


def _send(part: Sequence[tuple[str, str]], url: str) -> dict[tuple[str, str], str]:
    entries: list[Any] = [
        {
            "Id": str(number),
            "MessageBody": text,
            "MessageGroupId": group,
            # Of its own each time: what is queued again within five minutes is not a duplicate.
            "MessageDeduplicationId": uuid4().hex,
        }
        for number, (text, group) in enumerate(part)
    ]
    answer = client("sqs").send_message_batch(QueueUrl=url, Entries=entries) if entries else {}
    return {part[int(each["Id"])]: each["Code"] for each in answer.get("Failed", [])}
