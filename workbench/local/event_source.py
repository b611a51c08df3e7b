"""Queues to functions: what Lambda's event source mappings do.

A batch is received, the function invoked, and what it did not report as failed deleted; the rest
comes back when its visibility time-out ends, and after `maxReceiveCount` receipts goes to the
dead-letter queue (moto's own doing, by the queue's redrive policy).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.local.resources import REGION, Mapped, client

# Enough to keep two processors busy; a deployed stack has as many as the mapping allows.
_POLLERS = 2
_IDLE_SECONDS = 0.05
Invoke = Callable[[str, dict[str, Any]], Any]


def poll(mapping: Mapped, invoke: Invoke) -> int:
    """Take one batch through its function; give the number of records it had."""
    sqs = client("sqs")
    answer = sqs.receive_message(
        QueueUrl=mapping.queue_url,
        MaxNumberOfMessages=mapping.batch_size,
        AttributeNames=["All"],
    )
    records = [_record(mapping, message) for message in answer.get("Messages", [])]
    if not records:
        return 0
    try:
        report = invoke(mapping.function, {"Records": records}) or {}
        failed = {each["itemIdentifier"] for each in report.get("batchItemFailures", [])}
    except Exception:
        return len(records)
    done = [record for record in records if record["messageId"] not in failed]
    if done:
        entries = [{"Id": str(n), "ReceiptHandle": r["receiptHandle"]} for n, r in enumerate(done)]
        sqs.delete_message_batch(QueueUrl=mapping.queue_url, Entries=entries)
    return len(records)


@contextmanager
def polling(mappings: Sequence[Mapped], invoke: Invoke) -> Iterator[None]:
    """Poll in the background, each mapping with as many pollers as its function may run at once."""
    stop = threading.Event()

    def loop(mapping: Mapped) -> None:
        while not stop.is_set():
            if not poll(mapping, invoke):
                stop.wait(_IDLE_SECONDS)

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
        for thread in threads:
            thread.join()


def _record(mapping: Mapped, message: Any) -> dict[str, Any]:
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
