"""Tell the type of a table item by its key."""

from __future__ import annotations

from enum import StrEnum

from openfn.storage.dynamodb_values import Item


class ItemType(StrEnum):
    """The types of items, named for what they hold."""

    MESSAGE = "message"
    UNMATCHED = "unmatched"
    """The marker beside a message that no trigger matched, or that could not be matched."""
    RUN = "run"
    ATTEMPT = "attempt"
    """The record, beside its run, of an attempt before the last."""
    DEDUPE_KEY = "once"
    CIRCUIT = "credential"
    CRON_STATE = "job"
    CLOCK = "clock"
    RECONCILIATION = "reconciliation"
    """The position up to which items are reconciled."""
    COUNTS = "counts"
    """What was received in an hour, and the position up to which hours are counted."""
    AUDIT = "looked"
    """The record of what a person did in the console."""


_OUTSIDE_OF_DAYS = {
    kind.value: kind
    for kind in (
        *(ItemType.DEDUPE_KEY, ItemType.CIRCUIT, ItemType.CRON_STATE),
        *(ItemType.CLOCK, ItemType.RECONCILIATION, ItemType.COUNTS, ItemType.AUDIT),
    )
}


def item_type(item: Item) -> ItemType:
    """Return the type of an item, of which only `pk` and `sk` are needed."""
    if outside := _OUTSIDE_OF_DAYS.get(item["pk"].partition("#")[0]):
        return outside
    # <message>, <message>#, <message or minute>#<job>, <message or minute>#<job>#<attempt>
    _, *parts = item["sk"].split("#")
    match parts:
        case []:
            return ItemType.MESSAGE
        case [""]:
            return ItemType.UNMATCHED
        case [_]:
            return ItemType.RUN
        case _:
            return ItemType.ATTEMPT
