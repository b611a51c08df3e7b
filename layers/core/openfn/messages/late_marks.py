"""Marks of messages in the attention index: of late ones, and of those to match in order.

The match queue refused a late message. The sort key of its mark is inbox and id, so one query
returns the oldest late messages of an inbox. Earlier releases marked with the time, which is not
the order of the ids.

A message of an ordered inbox is stored with a mark, because the function may die before it queues
the message, and a newer one must not pass it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.dynamodb_values import Item

_KIND = Attention.UNQUEUED
# "$" is the character after "#", which no inbox and no id has. A time begins with a digit.
_FIRST, _END = "#", "$"
_FIRST_TIME, _END_OF_TIMES = "0", ":"


def mark(inbox: str, message_id: str) -> None:
    """Mark a message for the next tick."""
    with suppress(ConditionFailed):  # it has expired meanwhile
        changes = attention.mark(_KIND, _key(inbox, message_id))
        table.update(ids.key_of(message_id), changes, "attribute_exists(pk)")


def of_arrival(inbox: str, message_id: str) -> Item:
    """Return the attributes that mark a new message of an ordered inbox until it is matched."""
    return attention.mark(attention.arrived_at(inbox), message_id)


def clear(message_id: str) -> None:
    """Remove the mark from a message."""
    with suppress(ConditionFailed):  # it has expired meanwhile
        table.update(ids.key_of(message_id), attention.clear(), "attribute_exists(pk)")


def is_late(item: Item) -> bool:
    """Return whether a message is marked as late."""
    return item.get("attention") == _KIND


def is_marked(item: Item) -> bool:
    """Return whether a message has a mark: it is late, or arrived at an ordered inbox."""
    return "attention" in item


def oldest(inbox: str, limit: int, *, until: str) -> list[str]:
    """Return the ids of an inbox's oldest marked messages of both kinds, up to an id."""
    late = attention.query_between(_KIND, _key(inbox, ""), _key(inbox, until), limit)
    arrived = attention.query_between(attention.arrived_at(inbox), _FIRST_TIME, until, limit)
    return sorted(item["sk"] for item in (*late, *arrived))[:limit]


def behind(inbox: str, after: str, limit: int) -> list[str]:
    """Return the ids of the next late messages of an inbox, oldest first; `after` may be empty."""
    first = f"{_key(inbox, after)}{_END}" if after else _key(inbox, "")
    items = attention.query_between(_KIND, first, f"{_FIRST}{inbox}{_END}", limit)
    return [item["sk"] for item in items]


def inboxes() -> Iterator[str]:
    """Yield the names of the inboxes that have late messages, with one query each."""
    first = _FIRST
    while items := attention.query_between(_KIND, first, _END, 1):
        inbox = items[0]["inbox"]
        yield inbox
        first = f"{_FIRST}{inbox}{_END}"


def marked_by_earlier_releases() -> Iterator[tuple[str, str]]:
    """Yield id and inbox of the messages that are marked with a time, in no useful order."""
    for item in attention.query_all(_KIND, since=0.0):
        yield item["sk"], item["inbox"]


def renew(limit: int) -> int:
    """Renew some marks of earlier releases; return how many were left before."""
    items = attention.query_between(_KIND, _FIRST_TIME, _END_OF_TIMES, limit)
    for item in items:
        changes = attention.mark(_KIND, _key(item["inbox"], item["sk"]))
        with suppress(ConditionFailed):  # it has been matched meanwhile
            key = ids.key_of(item["sk"])
            table.update(key, changes, "#attention = :unqueued", unqueued=_KIND.value)
    return len(items)


def _key(inbox: str, message_id: str) -> str:
    return f"{_FIRST}{inbox}#{message_id}"
