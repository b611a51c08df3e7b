"""Replay a run that has ended; the record of its last attempt stays beside it."""

from __future__ import annotations

import time

from openfn import ids
from openfn.errors import ConditionFailed, NotReplayed
from openfn.runs import outcomes
from openfn.runs.model import Run, RunStatus
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.dynamodb_values import Item

# If the caller dies before it queues the run, a tick queues it after this time.
_GRACE_SECONDS = 3600
# Error and final state stay until the next outcome: a following run may begin with them.
_REMOVED = ("finished", "duration_ms", "began", "crashes", "unexpected_errors", "due")


def replay(run: Run, *, restart: bool = False) -> None:
    """Make a run that has ended executable again; its tries count from the start.

    A failed run resumes at the operation that failed. With `restart`, or if it succeeded, it begins
    with the first operation. Raises `NotReplayed` when it has not ended, was erased, or was
    replayed by somebody else since it was loaded. The caller queues the run.
    """
    if not run.has_ended:
        raise NotReplayed(f"The run {run.id} is {run.status}.")
    if run.is_erased:
        raise _erased(run)
    changes: Item = {
        **dict.fromkeys(_REMOVED),
        **run.cleared("log"),
        "status": RunStatus.QUEUED,
        "before": run.attempt,
        **attention.mark(Attention.RUN_UNQUEUED, time.time() + _GRACE_SECONDS),
    }
    if restart or run.status is RunStatus.SUCCEEDED:
        changes |= {"resume_at": None, **run.cleared("resume"), **run.cleared("emitted")}
    _write(run, changes)


def _write(run: Run, changes: Item) -> None:
    key = ids.key_of(run.id)
    is_unchanged = "#status = :ended AND #attempt = :attempt AND attribute_not_exists(erased)"
    values: Item = {"ended": run.status, "attempt": run.attempt}
    try:
        table.update_and_put(key, changes, is_unchanged, outcomes.last_attempt_item(run), **values)
    except ConditionFailed as error:
        if "erased" in error.item:
            raise _erased(run) from None
        # If the response to our first try was lost, botocore's retry finds our own write.
        if error.item.get("attention_at") != changes["attention_at"]:
            raise NotReplayed(f"Somebody else replays the run {run.id}.") from None


def _erased(run: Run) -> NotReplayed:
    return NotReplayed(f"The contents of the run {run.id} were erased.")
