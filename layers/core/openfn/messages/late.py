"""Late messages of ordered inboxes: those that the match queue refused are matched in order.

The tick queues a late message behind newer ones. So it keeps its mark until it is matched, and
whoever receives a newer message of its inbox matches the late one first. The queue delivers the
messages of an ordered inbox to one function at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from openfn.errors import GroupBlocked, NotQueued
from openfn.messages import store
from openfn.storage.aws import AWSError
from openfn.storage.dynamodb_values import Item
from openfn.storage.sqs_batch import QueuedId

LIMIT = 300
"""How many late messages are matched before one received message."""


def unmatched(inboxes: Collection[str]) -> dict[str, list[str]]:
    """Return the ids of the late messages of inboxes by inbox, oldest first."""
    late: dict[str, list[str]] = {inbox: [] for inbox in inboxes}
    if late:
        for message_id, inbox in store.unqueued(limit=None):
            if inbox in late:
                late[inbox].append(message_id)
    return late


def with_earlier(
    received: Sequence[QueuedId], items: Mapping[str, Item], late: Mapping[str, Sequence[str]]
) -> list[QueuedId]:
    """Return the received ids, each behind the late ones that are older, and each id once."""
    queued_ids: dict[str, QueuedId] = {}
    for queued in received:
        inbox = items[queued.id]["inbox"] if queued.id in items else ""
        earlier = [message_id for message_id in late.get(inbox, ()) if message_id < queued.id]
        for message_id in earlier[:LIMIT]:
            queued_ids.setdefault(message_id, QueuedId(message_id, queued.group))
        queued_ids.setdefault(queued.id, queued)
    return list(queued_ids.values())


def raise_if_too_many(message_id: str, late: Sequence[str]) -> None:
    """Raise `NotQueued` if so many late messages are older that some have to wait."""
    if sum(late_id < message_id for late_id in late) > LIMIT:
        raise NotQueued(f"{message_id} waits for earlier messages that were queued late.")


def clear_marks(
    late: Mapping[str, Sequence[str]],
    handled: Sequence[QueuedId],
    errors: Mapping[str, Exception],
) -> None:
    """Remove the marks of the handled late messages, except of those that still have to wait.

    A late message that cannot be matched is queued, so that it does not block newer ones.
    """
    groups = {queued.id: queued.group for queued in handled}
    for message_id in (late_id for late_ids in late.values() for late_id in late_ids):
        if message_id not in groups:
            continue
        error = errors.get(message_id)
        if isinstance(error, (AWSError, GroupBlocked, NotQueued)):
            continue
        if error is None or not store.queue_all([(message_id, groups[message_id])]):
            store.clear_unqueued(message_id)
