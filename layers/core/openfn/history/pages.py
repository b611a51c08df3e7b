"""A page of a list, which ends when it is full or when its time is up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from openfn.history.messages import MessageSummary
from openfn.history.runs import RunSummary

Summary = TypeVar("Summary", MessageSummary, RunSummary)


@dataclass(frozen=True, slots=True)
class Page(Generic[Summary]):
    """A page of a list, newest first."""

    rows: Sequence[Summary]
    next: str
    """The id behind which the next page begins; empty at the end of the list."""
    searched: datetime | None
    """How far back was read, if the time was up before the page was full."""


def read(summaries: Iterable[tuple[Summary, bool]], size: int, seconds: float) -> Page[Summary]:
    """Return a page of the summaries that match, from pairs of a summary and whether it does."""
    deadline, rows = time.monotonic() + seconds, list[Summary]()
    for summary, matches in summaries:
        if matches:
            if len(rows) == size:
                return Page(rows, rows[-1].id, None)
            rows.append(summary)
        if time.monotonic() > deadline:
            return Page(rows, summary.id, summary.received)
    return Page(rows, "", None)
