"""Messages that may have killed the matcher's process: each is matched alone, after a mark.

A process that dies (no memory, a timeout) takes its batch along, and nothing says which message
was the cause. So from its third receive on, an id is matched alone. Only a mark that its process
left behind counts as a death: a process that survives removes its mark, whatever else fails.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from openfn import ids
from openfn.errors import ConditionFailed, MatcherDied
from openfn.storage import survival, table
from openfn.storage.dynamodb_values import Item
from openfn.storage.sqs_batch import QueuedId

FIRST_RECEIVE, MAX_DEATHS = 3, 2


def groups(queued_ids: Sequence[QueuedId], items: Mapping[str, Item]) -> set[str]:
    """Return the groups with an id that may have killed a process; they are matched one by one."""
    return {
        queued.group
        for queued in queued_ids
        if queued.receives >= FIRST_RECEIVE or "matching" in items.get(queued.id, {})
    }


@contextmanager
def mark(item: Item) -> Iterator[None]:
    """Mark a message while it is compared with the triggers.

    Raises `MatcherDied` if two processes have died since they marked it.
    """
    tokens = str(item.get("matching", "")).split()
    tokens = [token for token in tokens if not survival.has_survived(token)]
    if len(tokens) >= MAX_DEATHS:
        raise MatcherDied(f"The matcher died {MAX_DEATHS} times while it matched this message.")
    token = secrets.token_hex(4)
    _write(item["sk"], " ".join([*tokens, token]))
    unmark = partial(survival.remove_mark, token, partial(_write, item["sk"], None))
    try:
        yield
    except Exception:
        unmark()
        raise
    unmark()


def clear(message_id: str) -> None:
    """Forget the deaths of a message, so that it is matched again when it is replayed."""
    _write(message_id, None)


def _write(message_id: str, marks: str | None) -> None:
    try:
        table.update(ids.key_of(message_id), {"matching": marks}, "attribute_exists(pk)")
    except ConditionFailed:  # it has expired meanwhile
        return
