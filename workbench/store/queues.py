"""The calls of SQS on the stack's FIFO queues."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.store import queue_rows
from workbench.store.changes import Changes
from workbench.store.database import Database
from workbench.store.errors import invalid_request, unknown_resource
from workbench.store.queue_rows import Queue

_RETENTION_SECONDS = 14 * 86_400
_MAX_BATCH, _MAX_BYTES = 10, 1024 * 1024
_MAX_HIDDEN_SECONDS = 12 * 3600
_OTHER_PROCESS_SECONDS = 0.25
"""How often to look for messages that another process has sent."""


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of a stack."""

    database: Database
    queues: dict[str, Queue]
    """Queues by URL."""
    changed: Changes = field(default_factory=Changes)
    """Wakes those who wait for messages."""

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to ten messages to a queue."""
        queue, entries = self._queue(request), request["Entries"]
        if not 0 < len(entries) <= _MAX_BATCH:
            raise invalid_request("A batch has one to ten entries.")
        if sum(len(entry["MessageBody"].encode()) for entry in entries) > _MAX_BYTES:
            raise invalid_request("Batch requests cannot be longer than 1048576 bytes.")
        with self.database.write() as connection:
            sent = [queue_rows.send(connection, queue, entry) for entry in entries]
        self.changed.notify(queue.url)
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
            seen = self.changed.count(queue.url)
            messages = self._receive(queue, count, hidden)
            if len(messages) == count:
                self.changed.notify(queue.url)  # there may be more, for another
            left = until - time.monotonic()
            if messages or left <= 0:
                return {"Messages": messages} if messages else {}
            self.changed.wait(queue.url, seen, min(left, _OTHER_PROCESS_SECONDS))

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete received messages."""
        queue = self._queue(request)
        # A message whose deletion is lost comes again, as SQS may deliver a message again.
        is_followed = [
            queue_rows.delete(self.database, queue, entry["ReceiptHandle"])
            for entry in request["Entries"]
        ]
        if any(is_followed):
            self.changed.notify(queue.url)
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
        self.database.execute(
            "UPDATE queued SET visible_at = ? WHERE queue = ? AND receipt_handle = ?",
            (time.time() + seconds, queue.url, request["ReceiptHandle"]),
            durable=False,
        )
        self.changed.notify(queue.url)
        return {}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """Hide received messages for other seconds from now on."""
        for entry in request["Entries"]:
            self.change_message_visibility(
                QueueUrl=request["QueueUrl"],
                ReceiptHandle=entry["ReceiptHandle"],
                VisibilityTimeout=entry["VisibilityTimeout"],
            )
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

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
            "FifoQueue": "true",
            "VisibilityTimeout": f"{queue.hidden_seconds:.0f}",
        }
        if queue.dead_letters:
            policy = {
                "deadLetterTargetArn": arn(queue.dead_letters),
                "maxReceiveCount": queue.max_receives,
            }
            attributes["RedrivePolicy"] = json.dumps(policy)
        names = request.get("AttributeNames", ["All"])
        if "All" not in names:
            attributes = {name: attributes[name] for name in names if name in attributes}
        return {"Attributes": attributes}

    def list_queues(self, **_request: Any) -> dict[str, Any]:
        """Return the URLs of the queues."""
        return {"QueueUrls": list(self.queues)}

    def get_queue_url(self, **request: Any) -> dict[str, Any]:
        """Return the URL of a queue by its name."""
        name = request["QueueName"]
        for url in self.queues:
            if url.rsplit("/", 1)[1] == name:
                return {"QueueUrl": url}
        raise unknown_resource("AWS.SimpleQueueService.NonExistentQueue", f"Queue {name}")

    def purge_queue(self, **request: Any) -> dict[str, Any]:
        """Delete all messages of a queue."""
        queue = self._queue(request)
        self.database.execute("DELETE FROM queued WHERE queue = ?", (queue.url,))
        return {}

    def next_visible_at(self, url: str, after: float) -> float | None:
        """Return the first epoch time after another at which a hidden message becomes visible."""
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT min(visible_at) FROM queued WHERE queue = ? AND visible_at > ?",
                (url, after),
            ).fetchone()
        return row[0] if row else None

    def delete_expired(self) -> None:
        """Delete messages after fourteen days, and deduplication ids after five minutes."""
        now = time.time()
        with self.database.write() as connection:
            connection.execute("DELETE FROM queued WHERE sent_at < ?", (now - _RETENTION_SECONDS,))
            queue_rows.forget_ids(connection, now)

    def _queue(self, request: Mapping[str, Any]) -> Queue:
        try:
            return self.queues[request["QueueUrl"]]
        except KeyError:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise unknown_resource(code, f"Queue {request['QueueUrl']}") from None

    def _receive(self, queue: Queue, count: int, hidden: float) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            if not queue_rows.has_visible(connection, queue):
                return []
        # Messages whose receipt is lost come again.
        with self.database.write(durable=False) as connection:
            return queue_rows.receive(connection, queue, count, hidden)


def arn(url: str) -> str:
    """Return the ARN of a queue, whose URL names its region, account and name."""
    account, name = url.rsplit("/", 2)[-2:]
    return f"arn:aws:sqs:{url.split('.')[1]}:{account}:{name}"
