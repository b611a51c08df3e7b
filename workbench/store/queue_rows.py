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
from dataclasses import dataclass
from typing import Any

from workbench.store.errors import invalid_request

_DEDUPLICATION_SECONDS = 300


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
    forget_ids(connection, now)
    key = (queue.url, group, deduplication_id)
    earlier = connection.execute(
        "SELECT message_id FROM deduplication WHERE queue = ? AND group_id = ? AND id = ?", key
    ).fetchone()
    message_id = earlier[0] if earlier else str(uuid.uuid4())
    if not earlier:
        connection.execute(
            "INSERT INTO deduplication VALUES (?, ?, ?, ?, ?)", (*key, message_id, now)
        )
        connection.execute(
            "INSERT INTO queued (queue, group_id, deduplication_id, message_id, body, sent_at, "
            "visible_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*key, message_id, body, now, now + entry.get("DelaySeconds", 0)),
        )
    return {"Id": entry["Id"], "MessageId": message_id, "MD5OfMessageBody": _md5(body)}


def forget_ids(connection: sqlite3.Connection, now: float) -> None:
    """Delete the deduplication ids that are older than five minutes."""
    connection.execute(
        "DELETE FROM deduplication WHERE sent_at < ?", (now - _DEDUPLICATION_SECONDS,)
    )


def receive(
    connection: sqlite3.Connection, queue: Queue, count: int, hidden: float
) -> list[dict[str, Any]]:
    """Return the next visible messages and hide them for some seconds."""
    messages: list[dict[str, Any]] = []
    now = time.time()
    for row in _visible(connection, queue, now):
        number, receives = row[0], row[6]
        if queue.dead_letters and receives >= queue.max_receives:
            _move(connection, number, queue)
            continue
        handle = str(uuid.uuid4())
        connection.execute(
            "UPDATE queued SET receives = receives + 1, receipt_handle = ?, visible_at = ?, "
            "first_received_at = coalesce(first_received_at, ?) WHERE number = ?",
            (handle, now + hidden, now, number),
        )
        messages.append(_message(row, handle, now))
        if len(messages) == count:
            break
    return messages


def _visible(connection: sqlite3.Connection, queue: Queue, now: float) -> list[Sequence[Any]]:
    """Yield the visible messages of groups that have none hidden, in the order sent."""
    return connection.execute(
        "SELECT number, group_id, message_id, deduplication_id, body, sent_at, receives, "
        "first_received_at FROM queued AS message WHERE queue = :queue AND NOT EXISTS ("
        "SELECT 1 FROM queued AS hidden WHERE hidden.queue = :queue "
        "AND hidden.group_id = message.group_id AND hidden.visible_at > :now) "
        "ORDER BY number LIMIT 100",
        {"queue": queue.url, "now": now},
    ).fetchall()


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
