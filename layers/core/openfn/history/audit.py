"""The audit list: who looked at values, and who did what, in the console."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice

from openfn.storage import table
from openfn.storage.item_type import ItemType

_DAYS = 365
_SECONDS_PER_DAY = 86_400
# All times of a day sort between these two.
_FIRST, _LAST = "0", "9"


class Action(StrEnum):
    """What a person did."""

    VIEW = "view"
    DOWNLOAD = "download"
    EXPORT = "export"
    SEARCH = "search"
    TRY = "try"
    SAVE_FILTER = "save filter"
    REPLAY = "replay"
    RUN_JOB = "run job"
    REDRIVE = "put back dead letters"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action: when, who, what, and on what."""

    at: datetime
    person: str
    action: Action
    subject: str


def record(person: str, action: Action, subject: str) -> None:
    """Store what a person did; it is deleted a year later."""
    now = time.time()
    item = {
        "pk": _partition(datetime.fromtimestamp(now, UTC)),
        "sk": f"{table.timestamp(now)}#{secrets.token_hex(4)}",
        "person": person,
        "action": str(action),
        "subject": subject,
        "expires": int(now) + _DAYS * _SECONDS_PER_DAY,
    }
    table.put(item)


def newest_first(limit: int, days: int = 30) -> list[AuditEntry]:
    """Return the newest entries of the last days."""
    return list(islice(_entries(days), limit))


def _entries(days: int) -> Iterator[AuditEntry]:
    today = datetime.now(UTC)
    for age in range(days):
        pk = _partition(today - timedelta(days=age))
        for item in table.query_range(pk, _FIRST, _LAST, newest_first=True):
            at = datetime.fromisoformat(item["sk"].partition("#")[0])
            yield AuditEntry(at, item["person"], Action(item["action"]), item["subject"])


def _partition(day: datetime) -> str:
    return f"{ItemType.AUDIT}#{day:%Y-%m-%d}"
