"""The dead-letter queues of a stack: ids that failed too often."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openfn.messages import store as messages
from openfn.runs import store as runs
from openfn.storage import aws, table
from openfn.storage.aws import Setting
from workbench.stack.clients import of_stack

_BATCH = 10
# Letters are hidden from other readers for this long if this program is stopped meanwhile.
_HIDDEN_SECONDS = 120
_QUEUES = (
    ("MatchDeadLetters", Setting.MATCH_QUEUE_URL, "message"),
    ("RunDeadLetters", Setting.RUN_QUEUE_URL, "run"),
)


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """A dead-letter queue, and the queue that its ids come from."""

    name: str
    url: str
    source: Setting
    kind: str
    """The kind of its ids: `message` or `run`."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An id in a dead-letter queue; empty if the body is not one that a function queued."""

    id: str
    kind: str
    since: str
    body: str
    group: str
    receipt: str
    summary: str = ""
    """The inbox of a message; the job and the status of a run."""


@dataclass(frozen=True, slots=True)
class QueueContents:
    """A dead-letter queue with its count, and the letters that can be read.

    SQS returns at most ten of one group: the others follow once these are moved.
    """

    queue: DeadLetterQueue
    count: int
    letters: tuple[DeadLetter, ...]


def queues(stack: str) -> list[DeadLetterQueue]:
    """Return the dead-letter queues of a stack."""
    cloudformation = of_stack("cloudformation")
    dead_letter_queues = []
    for name, source, kind in _QUEUES:
        resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=name)
        url = resource["StackResourceDetail"].get("PhysicalResourceId", "")
        dead_letter_queues.append(DeadLetterQueue(name, url, source, kind))
    return dead_letter_queues


def peek(queue: DeadLetterQueue) -> QueueContents:
    """Read the letters of a queue and leave them there."""
    count, letters = _count(queue), dict[str, DeadLetter]()
    receipts: list[str] = []
    try:
        while batch := _receive(queue, wait=len(letters) < count):
            receipts += [letter.receipt for letter in batch.values()]
            if letters.keys() >= batch.keys():
                break  # the first ones again: they are visible after _HIDDEN_SECONDS
            letters |= batch
    finally:
        _make_visible(queue, receipts)
    described = _with_summaries(list(letters.values()))
    return QueueContents(queue, max(count, len(letters)), tuple(described))


def redrive(queue: DeadLetterQueue, on_progress: Callable[[int], object]) -> tuple[int, str]:
    """Put all letters back on their queue; return how many, and why the rest was not moved.

    A letter is deleted after it was sent. If this program stops in between, the letter arrives
    twice, but is never lost. `on_progress` receives the size of each batch.
    """
    moved, count = 0, _count(queue)
    while batch := list(_receive(queue, wait=moved < count).values()):
        refused = aws.send(queue.source, [(letter.body, letter.group) for letter in batch])
        receipts = [letter.receipt for letter in batch if letter.body not in refused]
        _delete(queue, receipts)
        moved += len(receipts)
        on_progress(len(receipts))
        if refused:
            _make_visible(queue, [letter.receipt for letter in batch if letter.body in refused])
            return moved, f"the queue did not accept them: {', '.join(sorted({*refused.values()}))}"
    return moved, ""


def _count(queue: DeadLetterQueue) -> int:
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    response = of_stack("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
    return sum(int(response["Attributes"][name]) for name in names)


def _receive(queue: DeadLetterQueue, *, wait: bool) -> dict[str, DeadLetter]:
    """Receive a batch of letters, by the id that SQS has given them."""
    # Without a wait, SQS queries only some of its servers and may return nothing.
    response = of_stack("sqs").receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=_BATCH,
        VisibilityTimeout=_HIDDEN_SECONDS,
        WaitTimeSeconds=int(wait),
        AttributeNames=["All"],
    )
    received = response.get("Messages", [])
    return {message["MessageId"]: _letter(queue, message) for message in received}


def _letter(queue: DeadLetterQueue, message: Any) -> DeadLetter:
    try:
        identifier = str(json.loads(message["Body"])[f"{queue.kind}_id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        identifier = ""
    attributes = message["Attributes"]
    return DeadLetter(
        id=identifier,
        kind=queue.kind,
        since=table.timestamp(int(attributes["SentTimestamp"]) / 1000),
        body=message["Body"],
        group=attributes["MessageGroupId"],
        receipt=message["ReceiptHandle"],
    )


def _with_summaries(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    identifiers = list(dict.fromkeys(letter.id for letter in letters))
    summaries = {run.id: f"{run.job}, {run.status}" for run in runs.load_all(identifiers).values()}
    summaries |= {name: item["inbox"] for name, item in messages.read_items(identifiers).items()}
    return [replace(letter, summary=summaries.get(letter.id, "expired")) for letter in letters]


def _make_visible(queue: DeadLetterQueue, receipts: Sequence[str]) -> None:
    for entries in _batches(receipts, VisibilityTimeout=0):
        of_stack("sqs").change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)


def _delete(queue: DeadLetterQueue, receipts: Sequence[str]) -> None:
    for entries in _batches(receipts):
        of_stack("sqs").delete_message_batch(QueueUrl=queue.url, Entries=entries)


def _batches(receipts: Sequence[str], **attributes: Any) -> Iterator[list[Any]]:
    entries = [
        {"Id": str(number), "ReceiptHandle": receipt, **attributes}
        for number, receipt in enumerate(receipts)
    ]
    for start in range(0, len(entries), _BATCH):
        yield entries[start : start + _BATCH]
