"""How long a run may take: a limit of its own, whatever others of its invocation have taken."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from openfn.errors import NotBegun

SECONDS_TO_RECORD = 5.0
"""A run ends this long before its invocation does, so that its outcome can be recorded."""
_SHORTEST = 1.0
# What a run may lose of its time to the start of its invocation.
_TOLERANCE = 1.0


class TimeLimit(NamedTuple):
    """How long an attempt may take: its own seconds, and the end of the invocation (monotonic)."""

    seconds: float
    end: float

    @property
    def lease(self) -> float:
        """The seconds until the invocation ends, with the attempt or before it."""
        return self.end - time.monotonic() + SECONDS_TO_RECORD


@dataclass(frozen=True, slots=True)
class RunTimes:
    """The time of an invocation, and the limit of each of its runs."""

    end: float
    """When the last run must have ended (monotonic)."""
    run_seconds: float

    def limit_now(self) -> TimeLimit:
        """Return the limit of a run that begins now; raise `NotBegun` if it does not fit."""
        seconds_left = self.end - time.monotonic()
        if seconds_left < max(_SHORTEST, self.run_seconds - _TOLERANCE):
            raise NotBegun("The invocation has no time left for another run.")
        return TimeLimit(min(self.run_seconds, seconds_left), self.end)


def divide(invocation_seconds: float, run_seconds: float) -> RunTimes:
    """Return the time of the runs in an invocation that has some seconds left."""
    seconds = invocation_seconds - SECONDS_TO_RECORD
    return RunTimes(time.monotonic() + seconds, min(run_seconds, seconds))
