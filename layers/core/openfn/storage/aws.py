"""Clients of the AWS services, and the environment variables of the functions."""

from __future__ import annotations

import logging
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

from openfn.errors import log_fields

Item = dict[str, Any]
AWSError = (BotoCoreError, ClientError)
"""The errors that calls of AWS services raise."""

# All calls for one post together stay below 10 s, the shortest timeout of a source (DHIS2), even if
# a service accepts the connection and never responds. The second attempt is needed after a pause:
# AWS has closed the connections that a frozen function kept.
_CONNECT_SECONDS, _READ_SECONDS = 1, 1.5
_ATTEMPTS = 2
_MAX_BATCH = 10
# SQS allows 12 hours after the receive, of which a run may have used 15 minutes.
_MAX_VISIBILITY_TIMEOUT = 42_000
# botocore's DEBUG lines hold whole responses, with the credentials that Secrets Manager returns.
logging.getLogger("botocore").setLevel(logging.INFO)
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class Setting(StrEnum):
    """The environment variables that template.yaml sets for every function."""

    TABLE_NAME = "TABLE_NAME"
    BUCKET_NAME = "BUCKET_NAME"
    MATCH_QUEUE_URL = "MATCH_QUEUE_URL"
    RUN_QUEUE_URL = "RUN_QUEUE_URL"
    CREDENTIALS_PREFIX = "CREDENTIALS_PREFIX"
    INBOX_SECRETS_PREFIX = "INBOX_SECRETS_PREFIX"
    PROJECT_DIR = "PROJECT_DIR"
    RETENTION_DAYS = "RETENTION_DAYS"


def setting(name: Setting) -> str:
    """Return the value of an environment variable."""
    return os.environ[name]


@cache
def client(service: str) -> Any:
    """Return the client of a service; call it at import to create the client during INIT."""
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    return boto3.client(cast("Any", service), config=config)


def send(queue: Setting, bodies: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Send bodies to a queue, each with its group, and return the failed ones with error codes.

    A group is delivered in the order given here, one body at a time. After a failed body, the
    later ones of its group are not sent.
    """
    failed: dict[str, str] = {}
    blocked_groups: dict[str, str] = {}
    for start, end in _batches(bodies):
        batch = bodies[start:end]
        failed |= {body: blocked_groups[group] for body, group in batch if group in blocked_groups}
        try:
            errors = _send([pair for pair in batch if pair[0] not in failed], setting(queue))
        except AWSError as error:  # the rest would fail as well, each after a timeout
            code = log_fields(error)["error"]
            return failed | {body: code for body, _ in bodies[start:]}
        failed |= {body: code for (body, _), code in errors.items()}
        blocked_groups |= {group: code for (_, group), code in errors.items()}
    return failed


def count_queued(queue: Setting) -> int:
    """Return about how many messages of a queue can be received."""
    name = "ApproximateNumberOfMessages"
    url = setting(queue)
    response = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(response["Attributes"][name])


def set_visibility_timeout(queue: Setting, receipt_handle: str, seconds: int) -> None:
    """Hide a received message on its queue for some seconds (at most 12 hours)."""
    client("sqs").change_message_visibility(
        QueueUrl=setting(queue),
        ReceiptHandle=receipt_handle,
        VisibilityTimeout=min(seconds, _MAX_VISIBILITY_TIMEOUT),
    )


def delete_received(queue: Setting, receipt_handles: Sequence[str]) -> None:
    """Delete received messages (up to ten) from a queue, before the function responds."""
    entries = [
        {"Id": str(number), "ReceiptHandle": handle}
        for number, handle in enumerate(receipt_handles)
    ]
    if entries:
        client("sqs").delete_message_batch(QueueUrl=setting(queue), Entries=entries)


def put_object(key: str, content: bytes) -> None:
    """Store bytes in the bucket."""
    client("s3").put_object(Bucket=setting(Setting.BUCKET_NAME), Key=key, Body=content)


def get_object(key: str) -> bytes | None:
    """Return an object's bytes from the bucket, or `None` if it does not exist."""
    try:
        response = client("s3").get_object(Bucket=setting(Setting.BUCKET_NAME), Key=key)
    except ClientError as error:
        # Without the permission to list the bucket, S3 answers AccessDenied for a missing key.
        if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
            return None
        raise
    content: bytes = response["Body"].read()
    return content


def delete_object(key: str) -> None:
    """Delete an object of the bucket, if it exists."""
    client("s3").delete_object(Bucket=setting(Setting.BUCKET_NAME), Key=key)


def delete_objects(prefix: str) -> None:
    """Delete all objects of the bucket whose keys begin with a prefix."""
    s3, bucket = client("s3"), setting(Setting.BUCKET_NAME)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])


def get_secret(name: str) -> str | None:
    """Return the text of a secret, or `None` if it does not exist."""
    try:
        response = client("secretsmanager").get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    text: str = response["SecretString"]
    return text


def to_dynamodb(item: Mapping[str, Any]) -> Item:
    """Return an item in DynamoDB's format, each value with its type."""
    return {name: _serialize(value) for name, value in item.items()}


def from_dynamodb(item: Mapping[str, Any]) -> Item:
    """Return an item in DynamoDB's format as plain values."""
    plain = {name: _deserialize(value) for name, value in item.items()}
    return {name: getattr(value, "value", value) for name, value in plain.items()}


def _batches(bodies: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    # One body of a group per call, since SQS may fail the first of two and accept the second.
    start, groups = 0, set[str]()
    for position, (_, group) in enumerate(bodies):
        if position - start == _MAX_BATCH or group in groups:
            yield start, position
            start, groups = position, set()
        groups.add(group)
    if bodies:
        yield start, len(bodies)


def _send(batch: Sequence[tuple[str, str]], url: str) -> dict[tuple[str, str], str]:
    entries: list[Any] = [
        {
            "Id": str(number),
            "MessageBody": body,
            "MessageGroupId": group,
            # Unique, so that SQS does not drop an id that is queued again within five minutes. Both
            # attempts of botocore have the same, so that SQS accepts one of them.
            "MessageDeduplicationId": uuid4().hex,
        }
        for number, (body, group) in enumerate(batch)
    ]
    response = client("sqs").send_message_batch(QueueUrl=url, Entries=entries) if entries else {}
    return {batch[int(entry["Id"])]: entry["Code"] for entry in response.get("Failed", [])}
