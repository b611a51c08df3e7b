"""A batch of ids from a queue, answered record by record (partial batch failures)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


def process(
    event: dict[str, Any],
    name: str,
    work: Callable[[Sequence[str]], Mapping[str, Exception]],
) -> Mapping[str, Any]:
    """Do a whole batch at once: `work` gets its ids, each once, and gives the errors by id.

    The records whose id has an error, and those with no id, stay on the queue.
    """
    ids = [each for record in event["Records"] if (each := _id(record["body"], name))]
    errors = work(list(dict.fromkeys(ids)))

    def answer(record: SQSRecord) -> None:
        each = _id(record.body, name)
        if each is None:
            raise ValueError(f"a record on the queue holds no {name}")
        if each in errors:
            raise errors[each]

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, answer, processor)


def _id(body: str, name: str) -> str | None:
    try:
        found = json.loads(body)[name]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
