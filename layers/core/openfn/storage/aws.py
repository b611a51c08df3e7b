"""A stack's queues, bucket and secrets, and the environment variables of the functions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any
from uuid import uuid4

from openfn.storage import services
from openfn.storage.errors import CallFailed, CallRefused

AWSError = CallFailed
"""The error that calls of a stack's services raise."""

_MAX_BATCH = 10
# SQS allows 12 hours after the receive, of which a run may have used 15 minutes.
_MAX_VISIBILITY_TIMEOUT = 42_000


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
    RUN_SECONDS = "RUN_SECONDS"
    RUNS_PER_RUNNER = "RUNS_PER_RUNNER"


def setting(name: Setting) -> str:
    """Return the value of an environment variable."""
    return os.environ[name]


def metrics_namespace() -> str:
    """Return the namespace of the stack's metrics."""
    return os.environ["POWERTOOLS_METRICS_NAMESPACE"]


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
            return failed | {body: error.code for body, _ in bodies[start:]}
        failed |= {body: code for (body, _), code in errors.items()}
        blocked_groups |= {group: code for (_, group), code in errors.items()}
    return failed


def count_queued(queue: Setting) -> int:
    """Return about how many messages of a queue can be received."""
    name = "ApproximateNumberOfMessages"
    url = setting(queue)
    response = services.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=[name])
    return int(response["Attributes"][name])


def set_visibility_timeout(queue: Setting, receipt_handle: str, seconds: int) -> None:
    """Hide a received message on its queue for some seconds (at most 12 hours)."""
    services.call(
        "sqs",
        "change_message_visibility",
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
        services.call("sqs", "delete_message_batch", QueueUrl=setting(queue), Entries=entries)


def put_object(key: str, content: bytes) -> None:
    """Store bytes in the bucket."""
    services.call("s3", "put_object", Bucket=setting(Setting.BUCKET_NAME), Key=key, Body=content)


def get_object(key: str) -> bytes | None:
    """Return an object's bytes from the bucket, or `None` if it does not exist."""
    try:
        response = services.call("s3", "get_object", Bucket=setting(Setting.BUCKET_NAME), Key=key)
    except CallRefused as error:
        # Without the permission to list the bucket, S3 answers AccessDenied for a missing key.
        if error.code in ("NoSuchKey", "AccessDenied"):
            return None
        raise
    content: bytes = response["Body"].read()
    return content


def delete_object(key: str) -> None:
    """Delete an object of the bucket, if it exists."""
    services.call("s3", "delete_object", Bucket=setting(Setting.BUCKET_NAME), Key=key)


def delete_objects(prefix: str) -> None:
    """Delete all objects of the bucket whose keys begin with a prefix."""
    bucket = setting(Setting.BUCKET_NAME)
    for page in services.pages("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            delete_object(entry["Key"])


def get_secret(name: str) -> str | None:
    """Return the text of a secret, or `None` if it does not exist."""
    try:
        response = services.call("secretsmanager", "get_secret_value", SecretId=name)
    except CallRefused as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    text: str = response["SecretString"]
    return text


def put_secret(name: str, text: str) -> None:
    """Replace the text of an existing secret."""
    services.call("secretsmanager", "put_secret_value", SecretId=name, SecretString=text)


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
    if not entries:
        return {}
    response = services.call("sqs", "send_message_batch", QueueUrl=url, Entries=entries)
    return {batch[int(entry["Id"])]: entry["Code"] for entry in response.get("Failed", [])}
