"""Runs that have ended, run again: each as a new attempt, the one before on record beside it."""

from __future__ import annotations

import time

from openfn import ids
from openfn.errors import ConditionFailed, NotReplayed
from openfn.runs import outcomes
from openfn.runs.model import Run, RunStatus
from openfn.storage import attention, blobs, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Item

# Whoever replays a run may be stopped before it is queued: then the tick does it.
_GRACE_SECONDS = 3600
# The error and the final state stay until the next outcome: a run that follows may begin with them.
_MOVED = ("finished", "duration_ms")
_COUNTED = ("began", "crashes", "due")


def replay(run: Run, *, fresh: bool = False) -> None:
    """Let a run that has ended be executed again, once it is queued: its tries count anew.

    One that failed goes on where it failed; with `fresh`, or if it succeeded, it begins anew.
    Raises `NotReplayed` when it has not ended, what it began with was erased, or somebody else has
    replayed it since it was read.
    """
    if not run.has_ended:
        raise NotReplayed(f"the run {run.id} is {run.status}")
    if "erased" in run.kept:
        raise NotReplayed(f"what the run {run.id} began with was erased, as its inbox asks")
    changes: Item = {
        **{name: None for name in (*_MOVED, *_COUNTED) if name in run.kept},
        **blobs.cleared("log", run.kept),
        "status": RunStatus.QUEUED,
        "before": run.attempt,
        **attention.mark(Attention.RUN_UNQUEUED, time.time() + _GRACE_SECONDS),
    }
    if fresh or run.status == RunStatus.SUCCEEDED:
        changes |= {"resume_at": None}
        changes |= blobs.cleared("resume", run.kept) | blobs.cleared("emitted", run.kept)
    _write(run, changes)


def _write(run: Run, changes: Item) -> None:
    when, values = "#status = :was AND #attempt = :attempt", {"was": run.status}
    record = outcomes.ended_item(run)
    try:
        table.update_and_put(
            ids.key_of(run.id), changes, when, record, attempt=run.attempt, **values
        )
    except ConditionFailed as error:
        # Our own write refuses its second try, when the answer to the first was lost.
        if error.item.get("attention_at") != changes["attention_at"]:
            raise NotReplayed(f"the run {run.id} was replayed by somebody else meanwhile") from None
