"""Erasing what an inbox asks not to be kept: bodies, states and logs, once all has ended well."""

from __future__ import annotations

from contextlib import suppress

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.runs.model import RunStatus
from openfn.storage import aws, blobs, table
from openfn.storage.aws import Item
from openfn.storage.item_type import ItemType, item_type

_CONTENTS = ("body", "final", "log", "initial", "emitted", "resume")


def erase(origin: str) -> bool:
    """Erase the contents of a message and of all its runs, if every one of them has succeeded.

    The items stay, so that it is known what became of a message, and what came again is told.
    """
    family = list(table.between(ids.key_of(origin)["pk"], origin, f"{origin}~"))
    if any(
        item["status"] != RunStatus.SUCCEEDED for item in family if item_type(item) is ItemType.RUN
    ):
        return False
    for item in family:
        _erase(item)
    return True


def _erase(item: Item) -> None:
    gone: dict[str, None] = {}
    for name in _CONTENTS:
        gone |= blobs.cleared(name, item)
        if key := item.get(f"{name}_object"):
            aws.delete_object(str(key))
    if gone:
        key = {"pk": item["pk"], "sk": item["sk"]}
        with suppress(ConditionFailed):  # it has expired meanwhile
            table.update(key, gone | {"erased": True}, "attribute_exists(pk)")
