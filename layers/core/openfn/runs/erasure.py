"""Erase the contents of messages whose inbox has `keep: none`, once all runs have succeeded."""

from __future__ import annotations

from contextlib import suppress

from openfn import ids
from openfn.errors import ConditionFailed
from openfn.runs.model import RunStatus
from openfn.storage import aws, blobs, table
from openfn.storage.aws import Item
from openfn.storage.item_type import ItemType, item_type

_CONTENTS = ("body", "final", "log", "initial", "emitted", "resume")


def erase(source_id: str) -> bool:
    """Erase the contents of a message and its runs; return False if a run has not succeeded.

    The items stay, so that people see what became of the message and duplicates are recognized.
    """
    items = list(table.query_range(ids.key_of(source_id)["pk"], source_id, f"{source_id}~"))
    runs = [item for item in items if item_type(item) is ItemType.RUN]
    if any(run["status"] != RunStatus.SUCCEEDED for run in runs):
        return False
    for item in items:
        _erase_contents(item)
    return True


def _erase_contents(item: Item) -> None:
    changes: Item = {}
    for name in _CONTENTS:
        changes |= blobs.clear(name, item)
        if object_key := item.get(f"{name}_object"):
            aws.delete_object(str(object_key))
    if changes:
        key = {"pk": item["pk"], "sk": item["sk"]}
        with suppress(ConditionFailed):  # it has expired meanwhile
            table.update(key, changes | {"erased": True}, "attribute_exists(pk)")
