"""What was posted to an inbox, kept as the exact bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.storage import attention, aws, blobs, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Setting

UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Message:
    """One post: the exact bytes of its body, and the request around them without its secrets."""

    id: str
    inbox: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query_params: Mapping[str, Any] = field(default_factory=dict)
    emitted_by: str | None = None
    """The run that emitted it, if it was not posted."""
    depth: int = 0
    """How many runs emitted one out of the other until it came about."""

    @property
    def request(self) -> dict[str, Any]:
        """The request around the body, as it is kept and as a job sees it."""
        return {
            "method": self.method,
            "headers": dict(self.headers),
            "query_params": dict(self.query_params),
        }


def query_params(query: str) -> dict[str, Any]:
    """Read a query string: a text by name, or a list of texts where a name comes twice."""
    pairs = parse_qs(query, keep_blank_values=True)
    return {name: each[0] if len(each) == 1 else each for name, each in pairs.items()}


def keep(message: Message, once: str | None = None, unreadable: str | None = None) -> str:
    """Make a message durable and give its id.

    With `once`, a digest of what tells a re-sent message, the same digest is kept once in the
    retention period: the id given is then that of the message that was kept before. `unreadable`
    marks a message that no trigger will ever see, with the reason.
    """
    return _kept(message, table.put(*_items(message, once, unreadable)))


def keep_all(messages: Sequence[tuple[Message, str | None]]) -> list[str]:
    """Do for many messages, each with its `once`, what `keep` does for one."""
    before = table.put_each([_items(message, once) for message, once in messages])
    return [_kept(message, item) for (message, _), item in zip(messages, before, strict=True)]


def queue(message_id: str, group: str | None = None) -> bool:
    """Queue a kept message for the matcher; if that fails, mark it for the next tick: False.

    Messages of one `group` are matched one after the other, in the order in which they are queued;
    without one a message is matched beside others.
    """
    if not queue_all([(message_id, group)]):
        return True
    unqueued = attention.mark(Attention.UNQUEUED, time.time())
    table.update(ids.key_of(message_id), unqueued, "attribute_exists(pk)")
    return False


def queue_all(messages: Sequence[tuple[str, str | None]]) -> set[str]:
    """Queue kept messages, each with its group; give the ids that the queue did not take."""
    texts = {_text(message_id): message_id for message_id, _ in messages}
    grouped = [(_text(message_id), group or message_id) for message_id, group in messages]
    return {texts[text] for text in aws.send(Setting.MATCH_QUEUE_URL, grouped)}


def marked(limit: int = 500) -> list[tuple[str, str]]:
    """Give the messages whose queueing failed when they came: id and inbox, longest ago first."""
    items = attention.query(Attention.UNQUEUED, limit=limit)
    return [(item["sk"], item["inbox"]) for item in items]


def unmark(message_id: str) -> None:
    """Take the mark off a message that is queued by now."""
    with suppress(ConditionFailed):  # it has expired meanwhile
        table.update(ids.key_of(message_id), attention.clear(), "attribute_exists(pk)")


def keep_unmatched(message_id: str, version: str) -> None:
    """Keep beside a message that no trigger of a project's version matched it."""
    what = {"status": UNMATCHED, "project_version": version, "expires": expiry()}
    table.put({**ids.key_of(f"{message_id}#"), **what})


def read(message_ids: Iterable[str]) -> dict[str, Message]:
    """Read messages by id; those that do not exist, and what is no id, are left out.

    A body in the bucket is read with the message: `read_items` and `message_of` read in two steps,
    so that one that is gone does not take the others of a batch with it.
    """
    return {each: message_of(item) for each, item in read_items(message_ids).items()}


def read_items(message_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read the items of messages by id, in as few calls as can be."""
    keys = [ids.key_of(each) for each in message_ids if ids.is_message_id(each)]
    return {item["sk"]: item for item in table.get(keys)}


def expiry() -> int:
    """Give the second (epoch) at which what is written now has been kept long enough."""
    return int(time.time()) + int(aws.setting(Setting.RETENTION_DAYS)) * 86_400


def message_of(item: dict[str, Any]) -> Message:
    """Give the message of an item; `NotFound` when its body is in the bucket no more."""
    return Message(
        id=item["sk"],
        inbox=item["inbox"],
        body=blobs.read("body", item),
        emitted_by=item.get("emitted_by"),
        depth=int(item.get("depth", 0)),
        **json.loads(item["request"]),
    )


def _kept(message: Message, before: dict[str, Any] | None) -> str:
    # A message that is there already was written by a first try whose answer was lost.
    return str(before["message_id"]) if before and "message_id" in before else message.id


def _items(
    message: Message, once: str | None, unreadable: str | None = None
) -> list[dict[str, Any]]:
    item = _item(message) | ({"unreadable": unreadable} if unreadable else {})
    if once is None:
        return [item]
    mark = {"pk": f"once#{once}", "sk": "once", "message_id": message.id}
    return [item, mark | {"expires": item["expires"]}]


def _item(message: Message) -> dict[str, Any]:
    request = json.dumps(message.request, separators=(",", ":"))
    item = {
        **ids.key_of(message.id),
        "inbox": message.inbox,
        "request": request,
        "expires": expiry(),
    }
    if message.emitted_by:
        item |= {"emitted_by": message.emitted_by, "depth": message.depth}
    # A long query of odd characters grows sixfold as JSON, and shares the item with the body.
    room = blobs.ITEM_HOLDS - len(request)
    return item | blobs.keep("body", message.body, f"messages/{message.id}/body", room)


def _text(message_id: str) -> str:
    return json.dumps({"message_id": message_id})
