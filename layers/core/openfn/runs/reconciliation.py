"""What was kept a while ago and is not where it should be by now.

A mark says what could not be queued. Of what nobody lived to mark, each message and run of the last
half hour is looked at: a message beside which nothing lies, a run that is still queued, or whose
runner's lease has ended. To queue one that is queued already does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

from openfn import ids
from openfn.runs.model import Run, RunStatus
from openfn.runs.store import of_item
from openfn.storage import table
from openfn.storage.aws import Item
from openfn.storage.item_type import ItemType, item_type

_EVERY = 10
_FROM, _TO = timedelta(minutes=30), timedelta(minutes=10)
_NAMES = ("pk", "sk", "inbox", "unreadable", "kind", "job", "trigger", "status", "attempt", "lease")
_NAMES_OF_A_PLAN = ("upstream", "order", "depth", "erase")


def is_due(minute: datetime) -> bool:
    """Say whether the tick of a minute is one that looks."""
    return minute.minute % _EVERY == 0


def strays(minute: datetime) -> tuple[list[tuple[str, str]], list[Run]]:
    """Give the messages (id and inbox) and the runs that are to be queued again."""
    messages: list[tuple[str, str]] = []
    runs: list[Run] = []
    for items in _families(minute - _FROM, minute - _TO):
        first, *rest = items
        if item_type(first) is ItemType.MESSAGE and "unreadable" not in first and not rest:
            messages.append((first["sk"], first["inbox"]))
        runs += [
            of_item(item) for item in items if item_type(item) is ItemType.RUN and _is_stray(item)
        ]
    return sorted(messages), sorted(runs, key=lambda run: run.id)


def _is_stray(item: Item) -> bool:
    lost = item["status"] == RunStatus.RUNNING and int(item.get("lease") or 0) < time.time()
    return lost or item["status"] == RunStatus.QUEUED


def _families(since: datetime, until: datetime) -> Iterator[list[Item]]:
    first, last = ids.minute_id(since), ids.minute_id(until)
    for day in sorted({f"{each.astimezone(UTC):%Y-%m-%d}" for each in (since, until)}):
        for shard in ids.SHARDS:
            found = table.between(f"{day}#{shard}", first, last, (*_NAMES, *_NAMES_OF_A_PLAN))
            for _, items in groupby(found, lambda item: ids.origin_of(item["sk"])):
                yield list(items)
