"""Summaries of messages with their runs, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openfn import ids
from openfn.history import queries, runs
from openfn.history.queries import Period
from openfn.history.runs import RunSummary
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type


class MessageState(StrEnum):
    """The state of a message; `kept` is before the matcher has read it."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    UNMATCHABLE = "unmatchable"
    UNREADABLE = "unreadable"
    PENDING = "kept"


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """A message in a list, with its runs and the runs that followed them."""

    id: str
    inbox: str
    state: MessageState
    received: datetime
    emitted_by: str | None
    """The run that emitted it, if it was not posted."""
    runs: tuple[RunSummary, ...]


def newest_first(period: Period) -> Iterator[MessageSummary]:
    """Yield the messages of a period, the newest first."""
    for items in queries.newest_first(period):
        if item_type(items[0]) is ItemType.MESSAGE:
            yield summary_of(items)


def summary_of(items: Sequence[Item]) -> MessageSummary:
    """Return the summary of a message from its item and the items of its runs."""
    message = items[0]
    return MessageSummary(
        id=message["sk"],
        inbox=message["inbox"],
        state=state_of(items),
        received=ids.received_at(message["sk"]),
        emitted_by=message.get("emitted_by"),
        runs=tuple(
            runs.summary_of(item, message["inbox"])
            for item in items
            if item_type(item) is ItemType.RUN
        ),
    )


def state_of(items: Sequence[Item]) -> MessageState:
    """Return the state of a message from its item and the items of its runs."""
    if "unreadable" in items[0]:
        return MessageState.UNREADABLE
    if any(item_type(item) is ItemType.RUN for item in items):
        return MessageState.MATCHED
    markers = [item for item in items if item_type(item) is ItemType.UNMATCHED]
    return MessageState(markers[0]["status"]) if markers else MessageState.PENDING
