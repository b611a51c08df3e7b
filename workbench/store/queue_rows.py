"""The messages of a FIFO queue as rows of SQLite.

A group delivers its messages in the order sent, and nothing more while one of them is hidden. A
message that was received too often moves to the dead-letter queue. The rules are those of the SQS
developer guide ("Amazon SQS FIFO queues", "Using the message deduplication ID").
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from workbench.store.database import Database
from workbench.store.errors import invalid_request

_DEDUPLICATION_SECONDS = 300
# The visible messages of groups that have none hidden, in the order sent.
_VISIBLE = (
    "SELECT number, group_id, message_id, deduplication_id, body, sent_at, receives, "
    "first_received_at FROM queued AS message WHERE queue = :queue AND NOT EXISTS ("
    "SELECT 1 FROM queued AS hidden WHERE hidden.queue = :queue "
    "AND hidden.group_id = message.group_id AND hidden.visible_at > :now) ORDER BY number"
)
_DELETE = (
    "DELETE FROM queued WHERE queue = ? AND receipt_handle = ? RETURNING EXISTS ("
    "SELECT 1 FROM queued AS other WHERE other.queue = queued.queue "
    "AND other.group_id = queued.group_id AND other.number <> queued.number)"
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the template: how long a received message is hidden, and where failed ones go."""

    url: str
    hidden_seconds: float = 30
    dead_letters: str | None = None
    """The URL of the dead-letter queue."""
    max_receives: int = 0


def send(connection: sqlite3.Connection, queue: Queue, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Store a message unless its deduplication id was sent within five minutes."""
    group, now = entry.get("MessageGroupId"), time.time()
    if not group:
        raise invalid_request("The request must contain the parameter MessageGroupId.")
    body = entry["MessageBody"]
    deduplication_id = (
        entry.get("MessageDeduplicationId") or hashlib.sha256(body.encode()).hexdigest()
    )
    key = (queue.url, group, deduplication_id)
    message_id = str(uuid.uuid4())
    if not _is_new(connection, key, message_id, now):
        statement = (
            "SELECT message_id FROM deduplication WHERE queue = ? AND group_id = ? AND id = ?"
        )
        message_id = connection.execute(statement, key).fetchone()[0]
    else:
        connection.execute(
            "INSERT INTO queued (queue, group_id, deduplication_id, message_id, body, sent_at, "
            "visible_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*key, message_id, body, now, now + entry.get("DelaySeconds", 0)),
        )
    return {"Id": entry["Id"], "MessageId": message_id, "MD5OfMessageBody": _md5(body)}


def _is_new(
    connection: sqlite3.Connection, key: Sequence[str], message_id: str, now: float
) -> bool:
    """Store a deduplication id unless it was sent within five minutes; return whether it is new."""
    inserted = connection.execute(
        "INSERT INTO deduplication VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET message_id = excluded.message_id, sent_at = excluded.sent_at WHERE sent_at < ?",
        (*key, message_id, now, now - _DEDUPLICATION_SECONDS),
    )
    return inserted.rowcount > 0


def forget_ids(connection: sqlite3.Connection, now: float) -> None:
    """Delete the deduplication ids that are older than five minutes."""
    connection.execute(
        "DELETE FROM deduplication WHERE sent_at < ?", (now - _DEDUPLICATION_SECONDS,)
    )


def receive(
    connection: sqlite3.Connection, queue: Queue, count: int, hidden: float
) -> list[dict[str, Any]]:
    """Return the next visible messages and hide them for some seconds."""
    now = time.time()
    received, failed = _next(connection, queue, count, now)
    for number in failed:
        _move(connection, number, queue)
    messages: list[dict[str, Any]] = []
    for row in received:
        handle = str(uuid.uuid4())
        connection.execute(
            "UPDATE queued SET receives = receives + 1, receipt_handle = ?, visible_at = ?, "
            "first_received_at = coalesce(first_received_at, ?) WHERE number = ?",
            (handle, now + hidden, now, row[0]),
        )
        messages.append(_message(row, handle, now))
    return messages


def delete(database: Database, queue: Queue, handle: str) -> bool:
    """Delete a received message; return whether others of its group are left."""
    rows = database.execute(_DELETE, (queue.url, handle), durable=False)
    return any(row[0] for row in rows)


def has_visible(connection: sqlite3.Connection, queue: Queue) -> bool:
    """Return whether a message could be received now."""
    with closing(connection.execute(_VISIBLE, {"queue": queue.url, "now": time.time()})) as rows:
        return next(rows, None) is not None


def _next(
    connection: sqlite3.Connection, queue: Queue, count: int, now: float
) -> tuple[list[Sequence[Any]], list[int]]:
    """Return the next rows, and the numbers of those among them that were received too often."""
    received, failed = list[Sequence[Any]](), list[int]()
    with closing(connection.execute(_VISIBLE, {"queue": queue.url, "now": now})) as rows:
        for row in rows:
            if queue.dead_letters and row[6] >= queue.max_receives:
                failed.append(row[0])
                continue
            received.append(row)
            if len(received) == count:
                break
    return received, failed


def _move(connection: sqlite3.Connection, number: int, queue: Queue) -> None:
    """Move a message to the dead-letter queue, where it is the last of its group."""
    connection.execute(
        "INSERT INTO queued (queue, group_id, deduplication_id, message_id, body, sent_at, "
        "visible_at, source) SELECT ?, group_id, deduplication_id, message_id, body, sent_at, 0, "
        "queue FROM queued WHERE number = ?",
        (queue.dead_letters, number),
    )
    connection.execute("DELETE FROM queued WHERE number = ?", (number,))


def _message(row: Sequence[Any], handle: str, now: float) -> dict[str, Any]:
    number, group, message_id, deduplication_id, body, sent_at, receives, first = row
    return {
        "MessageId": message_id,
        "ReceiptHandle": handle,
        "Body": body,
        "MD5OfBody": _md5(body),
        "Attributes": {
            "ApproximateReceiveCount": str(receives + 1),
            "ApproximateFirstReceiveTimestamp": str(round((first or now) * 1000)),
            "SentTimestamp": str(round(sent_at * 1000)),
            "MessageGroupId": group,
            "MessageDeduplicationId": deduplication_id,
            "SequenceNumber": f"{number:020}",
            "SenderId": "local",
        },
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
