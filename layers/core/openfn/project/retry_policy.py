"""When a run that failed is tried again.

Only what may be well later is: an error whose verdict is `remote-for-now`. The waits between the
attempts are drawn at random up to a limit that doubles each time (exponential back-off with full
jitter), so that the limits together make `up_to`; what the destination asks for in `Retry-After`
is waited for at the least.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from openfn.errors import JobError, Verdict


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job is tried: at most `attempts` times within `up_to` seconds.

    An attempt goes on at the operation that failed, or at the first of those whose work was lost
    with it (a transaction that was rolled back); with `fresh` it begins anew.
    """

    attempts: int = 8
    up_to: int = 6 * 3600
    fresh: bool = False


def next_due(retry: Retry, attempt: int, began: int, error: JobError, now: float) -> int | None:
    """Give when to try again (epoch seconds) after a failed attempt; `None` for never.

    `attempt` counts from 1, `began` is when the first one did.
    """
    if error.verdict != Verdict.RETRYABLE or attempt >= retry.attempts:
        return None
    limit = retry.up_to / (2 ** (retry.attempts - 1) - 1) * 2 ** (attempt - 1)
    wait = max(random.uniform(0, limit), error.retry_after or 0)  # noqa: S311 - no secret
    due = now + wait
    return int(due) + 1 if due <= began + retry.up_to else None
