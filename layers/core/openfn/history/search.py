"""Search for a text in the bodies of messages, the newest first.

Bodies come with the pages of the list, so a search needs no more calls than the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from openfn.errors import NotFound, UnreadableBody
from openfn.history import messages, queries
from openfn.history.messages import MessageSummary
from openfn.history.queries import Period
from openfn.messages import gzip_bodies
from openfn.storage import blobs
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

_ATTRIBUTES = (*queries.SUMMARY_ATTRIBUTES, "erased", "body", "body_zlib", "body_object")
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def newest_first(
    period: Period, text: str, is_wanted: Callable[[MessageSummary], bool]
) -> Iterator[tuple[MessageSummary, bool]]:
    """Yield each message of a period, and whether it is wanted and its id or body has the text.

    Case makes no difference. Escapes in JSON count as the characters that they stand for.
    """
    wanted_text = text.lower()
    for items in queries.newest_first(period, _ATTRIBUTES):
        if item_type(items[0]) is ItemType.MESSAGE:
            message = messages.summary_of(items)
            yield message, is_wanted(message) and wanted_text in _searchable(items[0])


def _searchable(item: Item) -> str:
    try:
        body = blobs.read("body", item)
        if body[:2] == b"\x1f\x8b":
            body = gzip_bodies.expand(body)
    except (NotFound, UnreadableBody):
        body = b""
    content = _ESCAPES.sub(_unescape, body.decode("utf-8", "replace"))
    return f"{item['sk']} {content}".lower()


def _unescape(escapes: re.Match[str]) -> str:
    units = bytes.fromhex(escapes[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")
