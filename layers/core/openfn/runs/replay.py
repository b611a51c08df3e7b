"""Replay a run that has ended; the record of its last attempt stays beside it."""

from __future__ import annotations

import time
from contextlib import suppress

from openfn import ids
from openfn.errors import ConditionFailed, NotQueued, NotReplayed
from openfn.runs import outcomes
from openfn.runs.model import Plan, Run, RunStatus
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.dynamodb_values import Item

# If the caller dies before it queues the run, a tick queues it after this time.
_GRACE_SECONDS = 3600
# Error and final state stay until the next outcome: a following run may begin with them.
_REMOVED = ("finished", "duration_ms", "began", "crashes", "unexpected_errors", "due")


def replay(run: Run, *, restart: bool = False, other_end: Plan | None = None) -> None:
    """Make a run that has ended executable again; its tries count from the start.

    A failed run resumes at the operation that failed. With `restart`, or if it succeeded, it begins
    with the first operation. `other_end` changes what it follows. Raises `NotReplayed` when it has
    not ended, was erased, or was replayed by somebody else since it was loaded. The caller queues
    the run.
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
        changes |= _from_the_start(run)
    _write(run, changes | _following(other_end))


def follow_other_end(run: Run, plan: Plan) -> None:
    """Start a run again from a plan: the run before it was replayed, and has ended differently.

    A job can follow the success and the failure of one job. Raises `NotQueued` while the run is
    executed, so that the caller tries again later. The caller queues the run.
    """
    if run.status is RunStatus.RUNNING:
        raise NotQueued(f"The run {run.id} is executed after an earlier end of {plan.upstream}.")
    if run.has_ended:
        with suppress(NotReplayed):  # somebody else replays it, or it was erased
            replay(run, restart=True, other_end=plan)
        return
    is_unchanged = "#status = :status AND #attempt = :attempt"
    values: Item = {"status": run.status, "attempt": run.attempt}
    try:
        changes = _from_the_start(run) | _following(plan)
        table.update(ids.key_of(run.id), changes, is_unchanged, **values)
    except ConditionFailed:
        raise NotQueued(f"The run {run.id} has changed meanwhile.") from None


def _from_the_start(run: Run) -> Item:
    return {"resume_at": None, **run.cleared("resume"), **run.cleared("emitted")}


def _following(plan: Plan | None) -> Item:
    return {"kind": plan.kind, "trigger": plan.trigger} if plan else {}


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
