"""Erase messages by id, with all their runs and the messages that these emitted.

The items stay, with their ids and statuses, so that a record with `dedupe` is not accepted again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from openfn import ids
from openfn.errors import NotFound
from openfn.messages import store as messages
from openfn.runs import erasure
from openfn.runs.model import RunStatus
from openfn.storage import blobs, table
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

_LATER = "Erase it later."
# For this long, a run whose emitted messages are not all stored may still publish them.
_PUBLISHING_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class ErasureTarget:
    """A message, or the minute of a cron run, with the items that are stored for it."""

    id: str
    inbox: str
    """The message's inbox; empty for a minute."""
    emitted_by: str | None
    """The run that emitted the message, and stores a copy of it."""
    runs: tuple[str, ...]
    problem: str
    """Why it cannot be erased now; empty if it can."""
    items: tuple[Item, ...]


def select(source_ids: Iterable[str]) -> list[ErasureTarget]:
    """Return the targets with these ids, and the messages that their runs have emitted.

    A minute's emitted messages are other records, so they are left out. Unknown ids are left out.
    """
    pending, targets = list(source_ids), dict[str, ErasureTarget]()
    while pending:
        source_id = pending.pop()
        if source_id in targets or not (items := _items_of(source_id)):
            continue
        targets[source_id] = _target(source_id, items)
        if targets[source_id].inbox:
            pending += _emitted_by(items)
    return sorted(targets.values(), key=lambda target: target.id)


def erase(
    targets: Sequence[ErasureTarget], record: Item, on_progress: Callable[[int], object]
) -> dict[str, str]:
    """Erase targets; return why some were not erased, by id.

    `record` is stored with each item: who erased it, and when.
    """
    refused: dict[str, str] = {}
    for target in targets:
        if problem := target.problem or _erase(target, record):
            refused[target.id] = problem
        on_progress(1)
    return refused


def _erase(target: ErasureTarget, record: Item) -> str:
    if not erasure.erase_source(target.id, target.items, record):
        return "One of its runs was started again meanwhile."
    # A runner may have published what follows in the meantime.
    known = {item["sk"] for item in target.items}
    late = [item["sk"] for item in _items_of(target.id) if item["sk"] not in known]
    return f"Meanwhile {', '.join(late)} was created. Erase it again." if late else ""


def _items_of(source_id: str) -> list[Item]:
    pk = ids.key_of(source_id)["pk"]
    return list(table.query_range(pk, source_id, f"{source_id}~", consistent=True))


def _target(source_id: str, items: Sequence[Item]) -> ErasureTarget:
    message = items[0] if item_type(items[0]) is ItemType.MESSAGE else Item()
    runs = [item for item in items if item_type(item) is ItemType.RUN]
    unfinished = [f"{run['sk']} is {run['status']}" for run in runs if not _has_ended(run)]
    if not message and _may_publish(items):  # other people's records would be lost
        unfinished.append("The messages that it emitted may not be stored yet")
    return ErasureTarget(
        id=source_id,
        inbox=message.get("inbox", ""),
        emitted_by=message.get("emitted_by"),
        runs=tuple(run["sk"] for run in runs),
        problem=f"{'; '.join(unfinished)}. {_LATER}" if unfinished else "",
        items=tuple(items),
    )


def _has_ended(run: Item) -> bool:
    return RunStatus(run["status"]).has_ended


def _may_publish(items: Sequence[Item]) -> bool:
    finished = max((item.get("finished", "") for item in items), default="")
    if finished < table.timestamp(time.time() - _PUBLISHING_SECONDS):
        return False
    emitted = _emitted_by(items)
    return len(messages.read_items(emitted)) < len(emitted)


def _emitted_by(items: Sequence[Item]) -> list[str]:
    emitted: list[str] = []
    for item in items:
        # A failed attempt has emitted nothing yet, but its resume state lists what it would emit.
        if item_type(item) is ItemType.RUN and blobs.has("emitted", item):
            with suppress(NotFound):  # the object has expired before the item
                emitted += [fields[0] for fields in json.loads(blobs.read("emitted", item))]
    return emitted
