"""Late messages of ordered inboxes: those that are not on the match queue are matched in order.

The queue refused them, or the inbox function died before it queued them. The tick queues a late
message behind newer ones. So it keeps its mark until it is matched, and whoever receives a newer
message of its inbox matches the late one first. The queue delivers the messages of an ordered
inbox to one function at a time.

If too many late messages are older than a received one, it becomes a late message itself. It
leaves the queue, because each delivery counts, and waiting must not lead to the dead letters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from openfn.errors import GroupBlocked, NotQueued
from openfn.messages import late_marks, store
from openfn.storage.aws import AWSError
from openfn.storage.dynamodb_values import Item
from openfn.storage.sqs_batch import QueuedId

LIMIT = 300
"""How many late messages are matched before one received message."""


def unmatched(items: Iterable[Item], inboxes: Collection[str]) -> dict[str, list[str]]:
    """Return the oldest late messages of inboxes by inbox, up to the newest of some messages.

    Up to `LIMIT` of them and one more, so that the reader knows whether there are others.
    """
    if not inboxes:
        return {}
    newest = dict.fromkeys(inboxes, "")
    for item in items:
        if (inbox := item["inbox"]) in newest:
            newest[inbox] = max(newest[inbox], item["sk"])
    late: dict[str, set[str]] = {inbox: set() for inbox in inboxes}
    # Read before the others: a tick may renew them in between.
    for message_id, inbox in late_marks.marked_by_earlier_releases():
        if message_id <= newest.get(inbox, ""):
            late[inbox].add(message_id)
    for inbox, until in newest.items():
        late[inbox].update(late_marks.oldest(inbox, LIMIT + 1, until=until))
    return {inbox: sorted(message_ids)[: LIMIT + 1] for inbox, message_ids in late.items()}


def waiting(
    received: Sequence[QueuedId], items: Mapping[str, Item], late: Mapping[str, Sequence[str]]
) -> dict[str, Exception | None]:
    """Return the received ids that have to wait, with an error for those that stay on the queue.

    They are marked as late. The first time, an id stays on the queue, and others wait behind it
    until the index surely has the mark. The next time it is done: the tick queues it again.
    """
    errors: dict[str, Exception | None] = {}
    for queued in received:
        item = items.get(queued.id, {})
        if sum(late_id < queued.id for late_id in late.get(item.get("inbox", ""), ())) <= LIMIT:
            continue
        errors[queued.id] = None
        if late_marks.is_late(item):
            continue
        late_marks.mark(item["inbox"], queued.id)
        if not queued.last_receive:  # else it would become a dead letter
            errors[queued.id] = NotQueued(f"{queued.id} waits for earlier late messages.")
    return errors


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


def matched_before(
    received: Sequence[QueuedId], with_earlier: Sequence[QueuedId], items: Mapping[str, Item]
) -> set[str]:
    """Return the late ids that the index still has, though they have been matched."""
    received_ids = {queued.id for queued in received}
    late_ids = [queued.id for queued in with_earlier if queued.id not in received_ids]
    return {late_id for late_id in late_ids if not late_marks.is_marked(items.get(late_id, {}))}


def clear_marks(
    items: Mapping[str, Item], handled: Sequence[QueuedId], errors: Mapping[str, Exception]
) -> None:
    """Remove the marks of the handled messages, except of those that still have to wait.

    A message that cannot be matched is queued, so that it does not block newer ones.
    """
    for queued in handled:
        if not late_marks.is_marked(items.get(queued.id, {})):
            continue
        error = errors.get(queued.id)
        if isinstance(error, (AWSError, GroupBlocked, NotQueued)):
            continue
        if error is None or not store.queue_all([(queued.id, queued.group)]):
            late_marks.clear(queued.id)
