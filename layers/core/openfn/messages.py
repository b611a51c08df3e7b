"""What was posted to an inbox, kept as the exact bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import ClientError

from openfn import aws, contents, ids
from openfn.aws import Setting

UNQUEUED = "unqueued"


@dataclass(frozen=True, slots=True)
class Message:
    """One post: the exact bytes of its body, and the request around them without its secrets."""

    id: str
    inbox: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query_params: Mapping[str, Any] = field(default_factory=dict)

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
    item = _item(message) | ({"unreadable": unreadable} if unreadable else {})
    if once is None:
        # One that is there already was written by a first try whose answer was lost.
        aws.put(item)
        return message.id
    mark = {"pk": f"once#{once}", "sk": "once", "message_id": message.id}
    before = aws.put(item, mark | {"expires": item["expires"]})
    return str(before["message_id"]) if before and "message_id" in before else message.id


def queue(message_id: str) -> bool:
    """Queue a kept message for the matcher; if that fails, mark it for the next tick: False."""
    if not aws.send(Setting.MATCH_QUEUE_URL, [_body(message_id)]):
        return True
    now = datetime.now(UTC).isoformat(timespec="seconds")
    mark = {"attention": UNQUEUED, "attention_at": now}
    aws.update(ids.key_of(message_id), mark, "attribute_exists(pk)")
    return False


def queue_marked(limit: int = 500) -> int:
    """Queue messages whose queueing failed when they came; give how many were queued."""
    queued = 0
    for item in aws.query("attention", "attention", UNQUEUED, limit):
        if aws.send(Setting.MATCH_QUEUE_URL, [_body(item["sk"])]):
            break  # the queue is still in trouble: the next tick tries again
        queued += 1
        try:
            unmark = {"attention": None, "attention_at": None}
            aws.update(ids.key_of(item["sk"]), unmark, "attribute_exists(pk)")
        except ClientError as error:
            aws.item_in(error)  # it expired meanwhile
    return queued


def read(message_ids: Iterable[str]) -> dict[str, Message]:
    """Read messages by id; those that do not exist, and what is no id, are left out.

    A body in the bucket is read with the message: `read_items` and `message_of` read in two steps,
    so that one that is gone does not take the others of a batch with it.
    """
    return {each: message_of(item) for each, item in read_items(message_ids).items()}


def read_items(message_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read the items of messages by id, in as few calls as can be."""
    keys = [ids.key_of(each) for each in message_ids if ids.is_message_id(each)]
    return {item["sk"]: item for item in aws.get(keys)}


def _item(message: Message) -> dict[str, Any]:
    request = json.dumps(message.request, separators=(",", ":"))
    item = {
        **ids.key_of(message.id),
        "inbox": message.inbox,
        "request": request,
        "expires": expiry(),
    }
    # A long query of odd characters grows sixfold as JSON, and shares the item with the body.
    room = contents.ITEM_HOLDS - len(request)
    return item | contents.keep("body", message.body, f"messages/{message.id}/body", room)


def expiry() -> int:
    """Give the second (epoch) at which what is written now has been kept long enough."""
    return int(time.time()) + int(aws.setting(Setting.RETENTION_DAYS)) * 86_400


def message_of(item: dict[str, Any]) -> Message:
    """Give the message of an item; `NotFound` when its body is in the bucket no more."""
    return Message(
        id=item["sk"],
        inbox=item["inbox"],
        body=contents.read("body", item),
        **json.loads(item["request"]),
    )


def _body(message_id: str) -> str:
    return json.dumps({"message_id": message_id})
