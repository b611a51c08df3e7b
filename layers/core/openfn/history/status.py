"""Count what a stack received, what failed and what waits, from its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from openfn.history import activity
from openfn.storage import attention
from openfn.storage.attention import Attention


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
    # The clocks of two machines differ by seconds.
    received = activity.read(since, datetime.now(UTC) + timedelta(minutes=1))
    circuits = attention.query_all(Attention.CIRCUIT)
    return Status(
        messages=dict(received.states),
        runs=dict(received.statuses),
        last=received.last,
        more=received.more,
        failed=sum(1 for _ in attention.query_all(Attention.FAILED)),
        circuits=tuple(sorted(item["pk"].partition("#")[2] for item in circuits)),
    )
