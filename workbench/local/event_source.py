"""Poll the queues and invoke their functions, as Lambda's event source mappings do.

A batch is received, the function is invoked, and every message that it does not report as failed
is deleted. A failed message is received again after its visibility timeout. After
`maxReceiveCount` receipts, it moves to the dead-letter queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from openfn.storage.services import Services, current
from workbench.store.resources import EventSourceMapping
from workbench.store.services import LocalServices
from workbench.store.stack_template import REGION

# Two are enough for two processors. A deployed stack has as many as the mapping allows.
_POLLERS = 2
_IDLE_SECONDS = 0.05
_OTHER_PROCESS_SECONDS = 0.25
"""How often to look whether another process has written."""
Invoke = Callable[[str, dict[str, Any]], Any]


def poll(mapping: EventSourceMapping, invoke: Invoke, services: Services | None = None) -> int:
    """Process one batch of a queue and return its number of messages.

    Without `services`, those of this process answer the calls to the queue.
    """
    services = services or current()
    request = {
        "QueueUrl": mapping.queue_url,
        "MaxNumberOfMessages": mapping.batch_size,
        "AttributeNames": ["All"],
    }
    response = services.call("sqs", "receive_message", request)
    records = [_record(mapping, message) for message in response.get("Messages", [])]
    if not records:
        return 0
    try:
        report = invoke(mapping.function, {"Records": records}) or {}
        failed = {failure["itemIdentifier"] for failure in report.get("batchItemFailures", [])}
    except Exception:
        return len(records)
    done = [record for record in records if record["messageId"] not in failed]
    if done:
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(done)
        ]
        request = {"QueueUrl": mapping.queue_url, "Entries": entries}
        services.call("sqs", "delete_message_batch", request)
    return len(records)


@contextmanager
def run_pollers(
    mappings: Sequence[EventSourceMapping], invoke: Invoke, services: Services | None = None
) -> Iterator[None]:
    """Poll every queue in background threads, within each mapping's concurrency."""
    stop = threading.Event()
    used = services or current()
    loop = partial(_poll_until_stopped, invoke=invoke, services=used, stop=stop)
    threads = [
        threading.Thread(target=loop, args=(mapping,), name=mapping.function, daemon=True)
        for mapping in mappings
        for _ in range(min(mapping.concurrency, _POLLERS))
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if isinstance(used, LocalServices):
            used.queues.changed.wake_all()
        for thread in threads:
            thread.join()


def _poll_until_stopped(
    mapping: EventSourceMapping, invoke: Invoke, services: Services, stop: threading.Event
) -> None:
    while not stop.is_set():
        if not isinstance(services, LocalServices):
            if not poll(mapping, invoke, services):
                stop.wait(_IDLE_SECONDS)
            continue
        seen, began = services.queues.changed.count(mapping.queue_url), time.time()
        version = services.database.version()
        is_full = poll(mapping, invoke, services) == mapping.batch_size
        # After a smaller batch, the queue has no more until it changes.
        if not is_full and services.queues.changed.count(mapping.queue_url) == seen:
            _wait_for_messages(services, mapping.queue_url, seen, version, began, stop)


def _wait_for_messages(
    services: LocalServices, url: str, seen: int, version: int, since: float, stop: threading.Event
) -> None:
    """Wait until a queue or the database has changed, or one of its messages becomes visible."""
    queues = services.queues
    visible_at = queues.next_visible_at(url, since) or float("inf")
    while not stop.is_set():
        seconds = min(visible_at - time.time(), _OTHER_PROCESS_SECONDS)
        queues.changed.wait(url, seen, seconds)
        if queues.changed.count(url) != seen or time.time() >= visible_at:
            return
        if services.database.version() != version:  # such as `ofn replay`
            return


def _record(mapping: EventSourceMapping, message: Any) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.queue_arn,
        "awsRegion": REGION,
    }
