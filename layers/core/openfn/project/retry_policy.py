"""When a failed run is retried: exponential backoff with full jitter.

Only an error with the verdict `remote-for-now` is retried. The delay before each attempt is random
up to a limit that doubles each time; all limits together are `up_to`. A delay is never shorter than
the destination's `Retry-After`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from openfn.errors import JobError, Verdict


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job is tried: at most `attempts` times within `up_to` seconds.

    An attempt resumes at the operation that failed, or at the first one whose work was rolled back
    with it. With `fresh` it restarts from the first operation.
    """

    attempts: int = 8
    up_to: int = 6 * 3600
    fresh: bool = False


def next_due(retry: Retry, attempt: int, began: int, error: JobError, now: float) -> int | None:
    """Return when to retry after a failed attempt (epoch seconds), or `None` for never.

    `attempt` counts from 1; `began` is the start of the first attempt.
    """
    if error.verdict != Verdict.RETRYABLE or attempt >= retry.attempts:
        return None
    limit = retry.up_to / (2 ** (retry.attempts - 1) - 1) * 2 ** (attempt - 1)
    delay = max(random.uniform(0, limit), error.retry_after or 0)  # noqa: S311 - not a secret
    due = now + delay
    return int(due) + 1 if due <= began + retry.up_to else None
