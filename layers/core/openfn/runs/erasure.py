"""Erase the contents of messages: with `keep: none` once nothing needs them, or by `ofn erase`.

Contents are needed until each run has succeeded and has published what follows from it. A run that
has published is marked first; then all runs are read. So of two runs that end at the same moment,
the later one sees both marks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from openfn import ids
from openfn.errors import ConditionFailed, NotQueued
from openfn.runs import dispatch
from openfn.runs.model import Run, RunStatus
from openfn.storage import aws, blobs, table
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

_CONTENTS = ("body", "final", "log", "initial", "emitted", "resume")
_ERASED = "The text of the error was erased."
_IS_UNCHANGED = "#status = :status AND #attempt = :attempt"


def erase(run: Run) -> bool:
    """Erase the contents of a message after one of its runs has published; return whether it did.

    The items stay, so that people see what became of the message and duplicates are recognized.
    """
    if run.status is not RunStatus.SUCCEEDED or not _mark_published(run):
        return False
    source_id = run.plan.source_id
    pk = ids.key_of(source_id)["pk"]
    items = list(table.query_range(pk, source_id, f"{source_id}~", consistent=True))
    runs = _runs_of(items)
    if any(item["status"] != RunStatus.SUCCEEDED for item in runs):
        return False
    if unpublished := [Run.from_item(item) for item in runs if "published" not in item]:
        _queue_again(unpublished)
        return False
    return erase_source(source_id, items)


def erase_source(source_id: str, items: Sequence[Item], record: Item | None = None) -> bool:
    """Erase the contents of a message or minute, whose items were read before; return success.

    It fails if one of its runs was replayed since. `record` is stored with each item.
    """
    # The runs first: one that was replayed meanwhile still needs the message.
    runs = _runs_of(items)
    others = [item for item in items if item not in runs]
    if not all(_erase_contents(item, record or {}) for item in (*runs, *others)):
        return False
    # By prefix: earlier attempts have left objects to which no item refers any more.
    for prefix in (f"messages/{source_id}/", f"runs/{source_id}/"):
        aws.delete_objects(prefix)
    return True


def _runs_of(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item_type(item) is ItemType.RUN]


def _mark_published(run: Run) -> bool:
    """Record that a run has published; return False if it was replayed or has expired."""
    if run.is_published:
        return True
    values: Item = {"status": RunStatus.SUCCEEDED, "attempt": run.attempt}
    try:
        table.update(ids.key_of(run.id), {"published": True}, _IS_UNCHANGED, **values)
    except ConditionFailed:
        return False
    return True


def _queue_again(runs: Sequence[Run]) -> None:
    # A runner may be about to publish them. But the first release did not mark what it published,
    # and an id may have been lost. To publish a run again does no harm.
    if refused := dispatch.queue([run.plan for run in runs]):
        raise NotQueued(f"The run queue refused {', '.join(refused)}.")


def _erase_contents(item: Item, record: Item) -> bool:
    changes = _erasing_changes(item)
    if not changes:
        return True
    condition, values = "attribute_exists(pk)", Item()
    if item_type(item) is ItemType.RUN:
        condition = _IS_UNCHANGED
        values = {"status": item["status"], "attempt": item["attempt"]}
    key = {"pk": item["pk"], "sk": item["sk"]}
    try:
        table.update(key, changes | {"erased": True} | record, condition, **values)
    except ConditionFailed as error:
        return not error.item  # it has expired, or was replayed
    return True


def _erasing_changes(item: Item) -> Item:
    """Return the changes that remove an item's contents, and what its texts quote of them."""
    changes: Item = {}
    for name in _CONTENTS:
        changes |= blobs.clear(name, item)
    if "request" in item and "erased" not in item:
        changes["request"] = json.dumps(json.loads(item["request"]) | {"query_params": {}})
    if item.get("error") and "erased" not in item:
        changes["error"] = json.dumps(json.loads(item["error"]) | {"message": _ERASED})
    return changes
