"""What a stack's dead-letter queues hold: ids that were received too often and not worked off."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import boto3

from openfn.messages import store as messages
from openfn.runs import store as runs
from openfn.storage import aws, table
from openfn.storage.aws import Setting

_BATCH = 10
# What is looked at is hidden from others so long, should this program be stopped meanwhile.
_HIDDEN_SECONDS = 120
_QUEUES = (
    ("MatchDeadLetters", Setting.MATCH_QUEUE_URL, "message"),
    ("RunDeadLetters", Setting.RUN_QUEUE_URL, "run"),
)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A dead-letter queue, and the queue whose ids go there."""

    name: str
    url: str
    source: Setting
    kind: str
    """Of what its ids are: `message` or `run`."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An id in a dead-letter queue; empty when what is queued there is none of ours."""

    id: str
    kind: str
    since: str
    text: str
    group: str
    receipt: str
    what: str = ""
    """The inbox of a message; the job of a run, and how it stands."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a dead-letter queue holds: all of it counted, and the letters that can be seen.

    Of one group SQS gives ten at a time: those behind are seen once these are put back.
    """

    queue: DeadLetters
    count: int
    letters: tuple[Letter, ...]


def queues(stack: str) -> list[DeadLetters]:
    """Give the dead-letter queues of a stack."""
    cloudformation = boto3.client("cloudformation")
    found = []
    for name, source, kind in _QUEUES:
        made = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=name)
        url = made["StackResourceDetail"].get("PhysicalResourceId", "")
        found.append(DeadLetters(name, url, source, kind))
    return found


def look(queue: DeadLetters) -> Held:
    """Read what a dead-letter queue holds, and leave it there."""
    count, found = _count(queue), dict[str, Letter]()
    receipts: list[str] = []
    try:
        while batch := _receive(queue, wait=len(found) < count):
            receipts += [letter.receipt for _, letter in batch]
            if found.keys() >= {number for number, _ in batch}:
                break  # the first are given again: they have been hidden too long
            found |= dict(batch)
    finally:
        _show(queue, receipts)
    return Held(queue, max(count, len(found)), tuple(_described(list(found.values()))))


def redrive(queue: DeadLetters, advance: Callable[[int], object]) -> tuple[int, str]:
    """Put all back on the queue they come from; give how many, and why the rest was not.

    Each is deleted after it was sent, so that one may come twice if this is stopped, and none is
    lost. `advance` is told how many are through.
    """
    put, count = 0, _count(queue)
    while batch := [letter for _, letter in _receive(queue, wait=put < count)]:
        refused = aws.send(queue.source, [(letter.text, letter.group) for letter in batch])
        sent = [letter.receipt for letter in batch if letter.text not in refused]
        _delete(queue, sent)
        put += len(sent)
        advance(len(sent))
        if refused:
            _show(queue, [letter.receipt for letter in batch if letter.text in refused])
            return put, f"the queue does not take them: {', '.join(sorted({*refused.values()}))}"
    return put, ""


def _count(queue: DeadLetters) -> int:
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def _receive(queue: DeadLetters, *, wait: bool) -> list[tuple[str, Letter]]:
    # Without a wait SQS asks only some of its servers, and may give nothing.
    answer = boto3.client("sqs").receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=_BATCH,
        VisibilityTimeout=_HIDDEN_SECONDS,
        WaitTimeSeconds=int(wait),
        AttributeNames=["All"],
    )
    return [(each["MessageId"], _letter(queue, each)) for each in answer.get("Messages", [])]


def _letter(queue: DeadLetters, received: Any) -> Letter:
    try:
        identifier = str(json.loads(received["Body"])[f"{queue.kind}_id"])
    except (ValueError, KeyError, TypeError):
        identifier = ""
    attributes = received["Attributes"]
    return Letter(
        id=identifier,
        kind=queue.kind,
        since=table.timestamp(int(attributes["SentTimestamp"]) / 1000),
        text=received["Body"],
        group=attributes["MessageGroupId"],
        receipt=received["ReceiptHandle"],
    )


def _described(letters: Sequence[Letter]) -> list[Letter]:
    given = list(dict.fromkeys(letter.id for letter in letters))
    found = {each.id: f"{each.job}, {each.status}" for each in runs.load_all(given).values()}
    found |= {each: item["inbox"] for each, item in messages.read_items(given).items()}
    return [replace(letter, what=found.get(letter.id, "expired")) for letter in letters]


def _show(queue: DeadLetters, receipts: Sequence[str]) -> None:
    for entries in _entries(receipts, VisibilityTimeout=0):
        boto3.client("sqs").change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)


def _delete(queue: DeadLetters, receipts: Sequence[str]) -> None:
    for entries in _entries(receipts):
        boto3.client("sqs").delete_message_batch(QueueUrl=queue.url, Entries=entries)


def _entries(receipts: Sequence[str], **more: Any) -> list[list[Any]]:
    entries = [{"Id": str(n), "ReceiptHandle": each, **more} for n, each in enumerate(receipts)]
    return [entries[start : start + _BATCH] for start in range(0, len(entries), _BATCH)]
