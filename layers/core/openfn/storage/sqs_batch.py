"""Process a batch of ids from a queue, and report failures per record.

The ids of a group are processed in order. After an id that failed, the later ids of its group stay
on the queue, until the failed one is moved to the dead-letter queue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from openfn.errors import GroupBlocked
from openfn.storage import aws
from openfn.storage.aws import Setting

Errors = Mapping[str, Exception]
_MAX_BATCH = 10
_SEVERAL = 2


MATCH_RECEIVES, RUN_RECEIVES = 20, 1_000
"""How often a queue delivers an id before the dead-letter queue gets it, as in template.yaml.

A run with an order waits on its queue, and each wait is a receive. Crashes are counted in the
table.
"""


@dataclass(frozen=True, slots=True)
class QueuedId:
    """An id received from a queue, and its group."""

    id: str
    group: str
    last_receive: bool = False
    """Whether the id goes to the dead-letter queue if it fails once more."""
    receipt_handle: str = ""
    receives: int = 1
    """How often the queue has delivered it, this time included."""


def process(
    event: dict[str, Any],
    name: str,
    work: Callable[[Sequence[QueuedId]], Errors],
    max_receives: int = MATCH_RECEIVES,
) -> Mapping[str, Any]:
    """Process a batch and return Lambda's partial batch response.

    `work` receives each id once and returns the errors by id. Records whose id has an error, the
    later ones of their group, and records without an id stay on the queue.
    """
    received = [
        queued for record in event["Records"] if (queued := _parse(record, name, max_receives))
    ]
    by_id = _by_id(received)
    errors = work(list(by_id.values()))
    blocked_groups: set[str] = set()

    def handle_record(record: SQSRecord) -> None:
        queued = _parse(record.raw_event, name, max_receives)
        if queued is None:
            raise ValueError(f"A record on the queue has no {name}.")
        if error := errors.get(queued.id):
            if not by_id[queued.id].last_receive:
                blocked_groups.add(queued.group)
            raise error
        if queued.group in blocked_groups:
            raise GroupBlocked(f"{queued.id} waits for an earlier id of its group.")

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, handle_record, processor)


def process_in_order(
    received: Sequence[QueuedId],
    work: Callable[[str], None],
    on_error: Callable[[QueuedId, Exception], bool | None],
) -> dict[str, Exception]:
    """Process ids one after the other; return errors by id and pass each to `on_error`.

    After an id that failed, the later ids of its group are not processed. If `on_error` returns
    True, the id is done.
    """
    errors: dict[str, Exception] = {}
    blocked_groups: set[str] = set()
    for queued in received:
        if queued.group in blocked_groups:
            errors[queued.id] = GroupBlocked(f"{queued.id} waits for an earlier id of its group.")
            continue
        try:
            work(queued.id)
        except Exception as error:
            if on_error(queued, error):
                continue
            errors[queued.id] = error
            if not queued.last_receive:  # else the group would follow it to the dead-letter queue
                blocked_groups.add(queued.group)
    return errors


def delete(queue: Setting, queued_ids: Sequence[QueuedId]) -> None:
    """Delete received ids from their queue now, so that they do not come again if we die."""
    handles = [queued.receipt_handle for queued in queued_ids if queued.receipt_handle]
    for start in range(0, len(handles), _MAX_BATCH):
        aws.delete_received(queue, handles[start : start + _MAX_BATCH])


def process_groups(
    received: Sequence[QueuedId],
    work: Callable[[str], None],
    on_error: Callable[[QueuedId, Exception], bool | None],
) -> dict[str, Exception]:
    """Process ids as `process_in_order` does, but those of different groups side by side."""
    groups: dict[str, list[QueuedId]] = {}
    for queued in received:
        groups.setdefault(queued.group, []).append(queued)
    if len(groups) < _SEVERAL:
        return process_in_order(received, work, on_error)
    with ThreadPoolExecutor(len(groups), "run") as threads:
        # Each thread sees the context variables of the caller.
        futures = [
            threads.submit(copy_context().run, process_in_order, group, work, on_error)
            for group in groups.values()
        ]
    errors: dict[str, Exception] = {}
    for future in futures:
        errors |= future.result()
    return errors


def _by_id(received: Sequence[QueuedId]) -> dict[str, QueuedId]:
    # An id that was queued twice can be twice in a batch, and one copy on its last receive.
    by_id: dict[str, QueuedId] = {}
    for queued in received:
        copies = (by_id.get(queued.id, queued), queued)
        by_id[queued.id] = max(copies, key=lambda copy: copy.receives)
    return by_id


def _parse(record: Mapping[str, Any], name: str, max_receives: int) -> QueuedId | None:
    try:
        identifier = json.loads(record["body"])[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(identifier, str):
        return None
    attributes = record.get("attributes", {})
    receives = int(attributes.get("ApproximateReceiveCount", 1))
    group = attributes.get("MessageGroupId", identifier)
    handle = record.get("receiptHandle", "")
    return QueuedId(identifier, group, receives >= max_receives, handle, receives)
