"""The calls of SQS on the stack's FIFO queues.

A group delivers its messages in the order sent, and nothing more while one of them is hidden. A
message that was received too often moves to the dead-letter queue. The rules are those of the SQS
developer guide ("Amazon SQS FIFO queues", "Using the message deduplication ID").
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.local.store.database import Database
from workbench.local.store.errors import invalid_request, unknown_resource

_DEDUPLICATION_SECONDS, _RETENTION_SECONDS = 300, 14 * 86_400
_MAX_BATCH, _MAX_BYTES = 10, 1024 * 1024
_MAX_HIDDEN_SECONDS = 12 * 3600
_Row = sqlite3.Row | tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the template: how long a received message is hidden, and where failed ones go."""

    url: str
    hidden_seconds: float = 30
    dead_letters: str | None = None
    """The URL of the dead-letter queue."""
    max_receives: int = 0


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of a stack."""

    database: Database
    queues: Mapping[str, Queue]
    """Queues by URL."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    """Notified when messages were sent, deleted or made visible."""

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to ten messages to a queue."""
        queue, entries = self._queue(request), request["Entries"]
        if not 0 < len(entries) <= _MAX_BATCH:
            raise invalid_request("A batch has one to ten entries.")
        if sum(len(entry["MessageBody"].encode()) for entry in entries) > _MAX_BYTES:
            raise invalid_request("Batch requests cannot be longer than 1048576 bytes.")
        with self.database.write() as connection:
            sent = [_send(connection, queue, entry) for entry in entries]
        self._notify()
        return {"Successful": sent}

    def send_message(self, **request: Any) -> dict[str, Any]:
        """Send one message to a queue."""
        entry = {**request, "Id": "0"}
        sent = self.send_message_batch(QueueUrl=request["QueueUrl"], Entries=[entry])
        response: dict[str, Any] = sent["Successful"][0]
        return response

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Receive the next visible messages and hide them; wait for `WaitTimeSeconds` if none."""
        queue, count = self._queue(request), request.get("MaxNumberOfMessages", 1)
        hidden = request.get("VisibilityTimeout", queue.hidden_seconds)
        until = time.monotonic() + request.get("WaitTimeSeconds", 0)
        while True:
            with self.database.write() as connection:
                messages = _receive(connection, queue, count, hidden)
            left = until - time.monotonic()
            if messages or left <= 0:
                return {"Messages": messages} if messages else {}
            with self.changed:
                self.changed.wait(min(left, 0.25))

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete received messages."""
        queue = self._queue(request)
        with self.database.write() as connection:
            for entry in request["Entries"]:
                connection.execute(
                    "DELETE FROM queued WHERE queue = ? AND receipt_handle = ?",
                    (queue.url, entry["ReceiptHandle"]),
                )
        self._notify()
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

    def delete_message(self, **request: Any) -> dict[str, Any]:
        """Delete a received message."""
        entry = {"Id": "0", "ReceiptHandle": request["ReceiptHandle"]}
        self.delete_message_batch(QueueUrl=request["QueueUrl"], Entries=[entry])
        return {}

    def change_message_visibility(self, **request: Any) -> dict[str, Any]:
        """Hide a received message for other seconds from now on."""
        queue, seconds = self._queue(request), request["VisibilityTimeout"]
        if not 0 <= seconds <= _MAX_HIDDEN_SECONDS:
            raise invalid_request("VisibilityTimeout must be between 0 and 43200 seconds.")
        with self.database.write() as connection:
            connection.execute(
                "UPDATE queued SET visible_at = ? WHERE queue = ? AND receipt_handle = ?",
                (time.time() + seconds, queue.url, request["ReceiptHandle"]),
            )
        self._notify()
        return {}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        """Return how many messages a queue has, and its address."""
        queue, now = self._queue(request), time.time()
        with self.database.read() as connection:
            total, visible = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE visible_at <= ?) FROM queued "
                "WHERE queue = ?",
                (now, queue.url),
            ).fetchone()
        attributes = {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(total - visible),
            "QueueArn": arn(queue.url),
            "VisibilityTimeout": f"{queue.hidden_seconds:.0f}",
        }
        return {"Attributes": attributes}

    def next_visible_at(self, url: str) -> float | None:
        """Return the epoch time at which the next message of a queue becomes visible."""
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT min(visible_at) FROM queued WHERE queue = ?", (url,)
            ).fetchone()
        return row[0] if row else None

    def delete_expired(self) -> None:
        """Delete messages after fourteen days, and deduplication ids after five minutes."""
        now = time.time()
        with self.database.write() as connection:
            connection.execute("DELETE FROM queued WHERE sent_at < ?", (now - _RETENTION_SECONDS,))
            _forget_ids(connection, now)

    def _queue(self, request: Mapping[str, Any]) -> Queue:
        try:
            return self.queues[request["QueueUrl"]]
        except KeyError:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise unknown_resource(code, f"Queue {request['QueueUrl']}") from None

    def _notify(self) -> None:
        with self.changed:
            self.changed.notify_all()


def arn(url: str) -> str:
    """Return the ARN of a queue of the local stack."""
    return f"arn:aws:sqs:local:000000000000:{url.rsplit('/', 1)[-1]}"


def _send(connection: sqlite3.Connection, queue: Queue, entry: Mapping[str, Any]) -> dict[str, Any]:
    group, now = entry.get("MessageGroupId"), time.time()
    if not group:
        raise invalid_request("The request must contain the parameter MessageGroupId.")
    body = entry["MessageBody"]
    deduplication_id = (
        entry.get("MessageDeduplicationId") or hashlib.sha256(body.encode()).hexdigest()
    )
    _forget_ids(connection, now)
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


def _forget_ids(connection: sqlite3.Connection, now: float) -> None:
    connection.execute(
        "DELETE FROM deduplication WHERE sent_at < ?", (now - _DEDUPLICATION_SECONDS,)
    )


def _receive(
    connection: sqlite3.Connection, queue: Queue, count: int, hidden: float
) -> list[dict[str, Any]]:
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


def _visible(connection: sqlite3.Connection, queue: Queue, now: float) -> Iterator[Sequence[Any]]:
    """Yield the visible messages of groups that have none hidden, in the order sent."""
    return iter(
        connection.execute(
            "SELECT number, group_id, message_id, deduplication_id, body, sent_at, receives, "
            "first_received_at FROM queued AS message WHERE queue = :queue AND NOT EXISTS ("
            "SELECT 1 FROM queued AS hidden WHERE hidden.queue = :queue "
            "AND hidden.group_id = message.group_id AND hidden.visible_at > :now) "
            "ORDER BY number LIMIT 100",
            {"queue": queue.url, "now": now},
        ).fetchall()
    )


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
