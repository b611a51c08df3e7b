"""A batch of ids from a queue, in the order of their groups, answered record by record.

What is in one group is worked on one after the other: behind an id that failed, the others of its
group stay on the queue with it, until it goes to the dead-letter queue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from openfn.errors import Behind

Errors = Mapping[str, Exception]


RECEIPTS = 20
"""How often an id is received before it goes to the dead-letter queue: template.yaml's number."""


@dataclass(frozen=True, slots=True)
class Queued:
    """An id on a queue, its group, and whether this is the last time that it is received."""

    id: str
    group: str
    last: bool = False
    receipt: str = ""
    """What SQS knows this delivery by."""


def process(
    event: dict[str, Any], name: str, work: Callable[[Sequence[Queued]], Errors]
) -> Mapping[str, Any]:
    """Do a whole batch: `work` gets its ids, each once, and gives the errors by id.

    The records whose id has an error, those behind them in their group, and those with no id stay
    on the queue.
    """
    found = [each for record in event["Records"] if (each := _queued(record, name))]
    errors = work(list({each.id: each for each in found}.values()))
    stopped: set[str] = set()

    def answer(record: SQSRecord) -> None:
        each = _queued(record.raw_event, name)
        if each is None:
            raise ValueError(f"a record on the queue holds no {name}")
        if error := errors.get(each.id):
            if not each.last:
                stopped.add(each.group)
            raise error
        if each.group in stopped:
            raise Behind(f"{each.id} waits for one before it")

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, answer, processor)


def in_turn(
    queued: Sequence[Queued],
    work: Callable[[str], None],
    tell: Callable[[Queued, Exception], None],
) -> dict[str, Exception]:
    """Work on ids one after the other and give the errors by id; `tell` is told each.

    Behind one that failed, those of its group are not begun.
    """
    errors: dict[str, Exception] = {}
    stopped: set[str] = set()
    for each in queued:
        if each.group in stopped:
            errors[each.id] = Behind(f"{each.id} waits for one before it")
            continue
        try:
            work(each.id)
        except Exception as error:
            tell(each, error)
            errors[each.id] = error
            if not each.last:  # else those behind would go to the dead-letter queue with it
                stopped.add(each.group)
    return errors


def _queued(record: Mapping[str, Any], name: str) -> Queued | None:
    try:
        found = json.loads(record["body"])[name]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(found, str):
        return None
    attributes = record.get("attributes", {})
    receipts = int(attributes.get("ApproximateReceiveCount", 1))
    group, receipt = attributes.get("MessageGroupId", found), record.get("receiptHandle", "")
    return Queued(found, group, receipts >= RECEIPTS, receipt)
