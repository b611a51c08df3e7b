"""The time that an invocation has left, and the fair shares of its parts.

A part does one piece of its work in any case, and checks the budget before the next one. So every
part makes progress in every invocation, and none uses up the time of the others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """The time until `ends_at`, a time of the monotonic clock."""

    ends_at: float

    @classmethod
    def from_seconds(cls, seconds: float) -> TimeBudget:
        """Return a budget of some seconds from now on."""
        return cls(time.monotonic() + seconds)

    def share(self, parts: int) -> TimeBudget:
        """Return the share of the next of some equal parts; the others have what it saves."""
        now = time.monotonic()
        return TimeBudget(now + (self.ends_at - now) / parts)

    @property
    def is_used_up(self) -> bool:
        """Whether no further piece of work may begin."""
        return time.monotonic() >= self.ends_at
