"""Count what a stack received, what failed and what waits, from its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from openfn.history import messages, runs
from openfn.history.queries import Period
from openfn.storage import attention
from openfn.storage.attention import Attention

MAX_COUNTED = 20_000
"""The most messages and runs that are counted; the dashboard shows larger numbers."""


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of messages and runs in a period; `failed` and `circuits` are current."""

    messages: Mapping[str, int]
    runs: Mapping[str, int]
    last: datetime | None
    """When the newest message of the period was received."""
    more: bool
    """Whether the period has more messages than were counted."""
    failed: int
    circuits: tuple[str, ...]
    """The credentials whose circuit is open or closing."""


def read(since: datetime) -> Status:
    """Return the status of the stack, with counts since a time."""
    period = Period(since, datetime.now(UTC) + timedelta(minutes=1))
    received = list(islice(messages.newest_first(period), MAX_COUNTED + 1))
    statuses = Counter(str(run.status) for run in islice(runs.newest_first(period), MAX_COUNTED))
    circuits = attention.query_all(Attention.CIRCUIT)
    return Status(
        messages=dict(Counter(str(message.state) for message in received[:MAX_COUNTED])),
        runs=dict(statuses),
        last=received[0].received if received else None,
        more=len(received) > MAX_COUNTED,
        failed=sum(1 for _ in attention.query_all(Attention.FAILED)),
        circuits=tuple(sorted(item["pk"].partition("#")[2] for item in circuits)),
    )
