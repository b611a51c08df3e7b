"""Messages: posts stored as their exact bytes, and queued for the matcher."""

from __future__ import annotations

import json
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from openfn import ids
from openfn.messages import late_marks
from openfn.storage import aws, blobs, table
from openfn.storage.aws import Setting
from openfn.storage.dynamodb_values import Item

UNMATCHED, UNMATCHABLE = "unmatched", "unmatchable"
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Message:
    """A post: the exact bytes of its body, and the request without its secrets."""

    id: str
    inbox: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query_params: Mapping[str, Any] = field(default_factory=dict)
    emitted_by: str | None = None
    """The run that emitted it; `None` if it was posted."""
    depth: int = 0
    """The number of runs in the chain that emitted it."""

    @property
    def request(self) -> dict[str, Any]:
        """The request around the body, as it is stored and as jobs see it."""
        return {
            "method": self.method,
            "headers": dict(self.headers),
            "query_params": dict(self.query_params),
        }


def parse_query(query: str) -> dict[str, Any]:
    """Parse a query string: a text per name, or a list of texts for a repeated name.

    Like a body, it is UTF-8, or else ISO-8859-1.
    """
    try:
        params = parse_qs(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        params = parse_qs(query, keep_blank_values=True, encoding="iso-8859-1")
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in params.items()}


def store(
    message: Message,
    dedupe_key: str | None = None,
    unreadable: str | None = None,
    *,
    is_ordered: bool = False,
) -> str:
    """Store a message durably and return its id.

    A `dedupe_key` is stored once in the retention period: for a repeated one, the id of the
    message that was stored first is returned. `unreadable` is the reason why no trigger will see
    the message. A message of an ordered inbox is marked until it is matched.
    """
    items = _items(message, dedupe_key, unreadable, is_ordered=is_ordered)
    return _stored_id(items[0], table.put(*items))


def store_all(
    messages: Sequence[tuple[Message, str | None]], ordered: Container[str] = ()
) -> list[str]:
    """Store many messages, each with its `dedupe_key`, as `store` does for one.

    `ordered` are the names of the inboxes that are matched in order.
    """
    groups = [
        _items(message, dedupe_key, is_ordered=message.inbox in ordered)
        for message, dedupe_key in messages
    ]
    pairs = zip(groups, table.put_groups(groups), strict=True)
    return [_stored_id(group[0], existing) for group, existing in pairs]


def queue(message_id: str, inbox: str, group: str | None = None) -> bool:
    """Queue a stored message for the matcher; if that fails, mark it for the next tick: False.

    Messages of one `group` are matched one after the other, in the order in which they are queued.
    Messages without a group are matched in any order.
    """
    if not queue_all([(message_id, group)]):
        return True
    late_marks.mark(inbox, message_id)
    return False


def queue_all(messages: Sequence[tuple[str, str | None]]) -> set[str]:
    """Queue stored messages by id and group; return the ids that the queue did not accept."""
    bodies = {_queue_body(message_id): message_id for message_id, _ in messages}
    grouped = [(_queue_body(message_id), group or message_id) for message_id, group in messages]
    return {bodies[body] for body in aws.send(Setting.MATCH_QUEUE_URL, grouped)}


def mark_unmatched(message_id: str, version: str) -> None:
    """Record beside a message that no trigger of a project version matched it."""
    key, marker = _marker(message_id, UNMATCHED, version)
    existing = table.put({**key, **marker})
    if existing and existing.get("status") == UNMATCHABLE:  # an earlier release marked it
        table.update(key, marker)


def mark_unmatchable(message_id: str, version: str) -> None:
    """Record beside a message that a project version could not compare it with its triggers."""
    key, marker = _marker(message_id, UNMATCHABLE, version)
    table.update(key, marker)


def read(message_ids: Iterable[str]) -> dict[str, Message]:
    """Return messages by id, without missing ones and invalid ids.

    Raises `NotFound` if the body of one was deleted from the bucket. Read a batch with
    `read_items` and `from_item` instead, so that one missing body does not fail the others.
    """
    return {message_id: from_item(item) for message_id, item in read_items(message_ids).items()}


def read_items(message_ids: Iterable[str]) -> dict[str, Item]:
    """Return the items of messages by id, without missing ones and invalid ids."""
    keys = [ids.key_of(message_id) for message_id in message_ids if ids.is_message_id(message_id)]
    return {item["sk"]: item for item in table.get(keys)}


def expires_at() -> int:
    """Return the end of the retention period of an item written now (epoch seconds)."""
    return int(time.time()) + int(aws.setting(Setting.RETENTION_DAYS)) * _SECONDS_PER_DAY


def is_erased(item: Item) -> bool:
    """Return whether the body was erased: `keep: none`, or `ofn erase`."""
    return "erased" in item


def from_item(item: Item) -> Message:
    """Return the message of an item; raise `NotFound` if its body was deleted."""
    return Message(
        id=item["sk"],
        inbox=item["inbox"],
        body=blobs.read("body", item),
        emitted_by=item.get("emitted_by"),
        depth=int(item.get("depth", 0)),
        **json.loads(item["request"]),
    )


def _marker(message_id: str, status: str, version: str) -> tuple[Item, Item]:
    marker = {"status": status, "project_version": version, "expires": expires_at()}
    return ids.key_of(f"{message_id}#"), marker


def _stored_id(item: Item, existing: Item | None) -> str:
    """Return the id under which a message is stored, and delete a body that is not needed."""
    # An existing item with the message's own id was written by a try whose response was lost.
    stored_id = str(existing.get("message_id", item["sk"])) if existing else str(item["sk"])
    is_repeated = stored_id != item["sk"]
    if existing and (is_repeated or is_erased(existing)):
        with suppress(aws.AWSError):  # the message is stored; the bucket's lifecycle deletes it
            blobs.delete(item)
    return stored_id


def _items(
    message: Message,
    dedupe_key: str | None,
    unreadable: str | None = None,
    *,
    is_ordered: bool = False,
) -> list[Item]:
    item = _item(message) | ({"unreadable": unreadable} if unreadable else {})
    if is_ordered:
        item |= late_marks.of_arrival(message.inbox, message.id)
    if dedupe_key is None:
        return [item]
    dedupe_item = {"pk": f"once#{dedupe_key}", "sk": "once", "message_id": message.id}
    return [item, dedupe_item | {"expires": item["expires"]}]


def _item(message: Message) -> Item:
    request = json.dumps(message.request, separators=(",", ":"))
    item = {
        **ids.key_of(message.id),
        "inbox": message.inbox,
        "request": request,
        "expires": expires_at(),
    }
    if message.emitted_by:
        item |= {"emitted_by": message.emitted_by, "depth": message.depth}
    # A long query of unusual characters grows sixfold as JSON, and shares the item with the body.
    limit = blobs.MAX_ITEM_BYTES - len(request)
    return item | blobs.store("body", message.body, f"messages/{message.id}/body", limit)


def _queue_body(message_id: str) -> str:
    return json.dumps({"message_id": message_id})
