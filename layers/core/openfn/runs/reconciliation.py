"""Reconciliation: find messages and runs that were stored but never queued.

What the queue refused is in the attention index. A function that died could flag nothing, so every
ten minutes all items of the last half hour are read. An orphan is a message without any run or
marker beside it, a run that is still queued, or a running run whose lease is over. Queueing again
what is on the queue already does no harm.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from openfn.runs.model import Run, RunStatus
from openfn.storage import partitions
from openfn.storage.aws import Item
from openfn.storage.item_type import ItemType, item_type

_EVERY_MINUTES = 10
_OLDEST, _NEWEST = timedelta(minutes=30), timedelta(minutes=10)
_ATTRIBUTES = (
    *("pk", "sk", "inbox", "unreadable", "kind", "job", "trigger", "status", "attempt", "lease"),
    *("upstream", "order", "depth", "erase"),
)


def is_due(minute: datetime) -> bool:
    """Return whether this tick runs the reconciliation (every ten minutes)."""
    return minute.minute % _EVERY_MINUTES == 0


def orphans(minute: datetime) -> tuple[list[tuple[str, str]], list[Run]]:
    """Return the orphaned messages (id and inbox) and the orphaned runs, in order of their ids."""
    messages: list[tuple[str, str]] = []
    runs: list[Run] = []
    since, until = minute - _OLDEST, minute - _NEWEST
    for items in partitions.newest_first(since, until, names=_ATTRIBUTES):
        message_or_run, *beside = items
        if _is_readable_message(message_or_run) and not beside:
            messages.append((message_or_run["sk"], message_or_run["inbox"]))
        runs += [Run.from_item(item) for item in items if _is_orphaned_run(item)]
    return sorted(messages), sorted(runs, key=lambda run: run.id)


def _is_readable_message(item: Item) -> bool:
    return item_type(item) is ItemType.MESSAGE and "unreadable" not in item


def _is_orphaned_run(item: Item) -> bool:
    if item_type(item) is not ItemType.RUN:
        return False
    is_lost = item["status"] == RunStatus.RUNNING and int(item.get("lease") or 0) < time.time()
    return is_lost or item["status"] == RunStatus.QUEUED
