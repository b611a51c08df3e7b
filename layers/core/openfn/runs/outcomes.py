"""How a run's attempt ended: recorded by the one runner that holds the run, or not at all.

An attempt that failed and is made again has a record of its own beside the run: `<run id>#<n>`.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from openfn import ids
from openfn.errors import ConditionFailed, JobError, NotClaimed
from openfn.project.triggers import Kind
from openfn.runs import cron_state
from openfn.runs.model import Run, RunStatus
from openfn.storage import attention, blobs, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Item

# Final state, log, what was emitted and where to go on share one item of 400 KB.
_INLINE = 85_000
# One that should be on the queue by now is queued again by the tick, if it is not claimed.
_GRACE_SECONDS = 3600
_OF_AN_ATTEMPT = ("finished", "duration_ms", "error", "log")


@dataclass(frozen=True, slots=True)
class Resume:
    """Where the next attempt goes on: the operation, the names of those up to it, the state."""

    operation: int
    names: tuple[str, ...]
    state: bytes


@dataclass(slots=True)
class Outcome:
    """How an attempt ended: its final state as JSON, or its error; what it printed; milliseconds.

    `emitted` is what it hands to inboxes, as JSON; `initial` is kept where it cannot be had again.
    """

    log: str
    duration_ms: int
    final: bytes | None = None
    error: JobError | None = None
    emitted: bytes | None = None
    initial: bytes | None = None
    resume: Resume | None = None
    left_by: str = ""
    """The run that left the state which this one, of a job on the clock, began with."""

    @property
    def status(self) -> str:
        """`succeeded` or `failed`."""
        return RunStatus.FAILED if self.error else RunStatus.SUCCEEDED


def finish(run: Run, outcome: Outcome) -> Run:
    """Record how a claimed run ended; `NotClaimed` when the claim was lost meanwhile.

    With the success of a job on the clock goes the state that its next run begins with.
    """
    changes = _changes(run, outcome) | {"status": outcome.status}
    if outcome.error:
        changes |= attention.mark(Attention.FAILED, changes["finished"])
    beside = None
    if run.plan.kind is Kind.CRON and outcome.final is not None:
        beside = cron_state.following(run.job, run.id, outcome.final, outcome.left_by)
    return _record(run, changes, beside)


def wait(run: Run, outcome: Outcome, due: int, *, queued: bool = False) -> Run:
    """Let a claimed run wait for its next attempt, due at a time (epoch).

    With `queued` its id stays on the queue, where nothing of its order can pass it.
    """
    changes = _changes(run, outcome) | {"status": RunStatus.WAITING, "due": due}
    changes |= attention.mark(Attention.WAITING, due + queued * _GRACE_SECONDS)
    beside = {
        **_beside(run),
        **_of_an_attempt(changes),
        "status": RunStatus.FAILED,
        "next": table.timestamp(due),
    }
    return _record(run, changes, beside)


def park(run: Run, circuit: str, due: int, *, queued: bool = False) -> Run:
    """Let a claimed run wait for what stands in its way; it is no attempt, and takes none's time.

    It stands in the index `attention` under its id, so that what waits comes in the order received,
    or with `queued` stays on the queue until a time (epoch).
    """
    changes: Item = {"status": RunStatus.WAITING, "lease": None, "began": None}
    changes |= {"before": run.attempt - run.tries + 1}
    changes |= {"due": due if queued else 0}
    if queued:
        changes |= attention.mark(Attention.WAITING, due + _GRACE_SECONDS)
    else:
        changes |= attention.mark(circuit, run.id)
    return _record(run, changes, None)


def crashed(run: Run) -> int:
    """Record that the attempt before a claim was never ended; give how often that has happened."""
    record = _beside(run, run.attempt - 1) | {"started": run.kept["was"], "status": "crashed"}
    table.put(record | {"finished": table.timestamp(time.time())})
    before = int(run.kept.get("crashes", 0)) + 1
    table.update(
        ids.key_of(run.id),
        {"crashes": before},
        "#status = :running AND #attempt = :attempt",
        running=RunStatus.RUNNING,
        attempt=run.attempt,
    )
    return before


def resume_of(run: Run) -> Resume | None:
    """Give where a run's next attempt goes on, if it does not begin anew."""
    if "resume_at" not in run.kept:
        return None
    operation, names = json.loads(run.kept["resume_at"])
    return Resume(operation, tuple(names), blobs.read("resume", run.kept))


def ended_item(run: Run) -> Item:
    """Give the record, beside a run, of the attempt by which it has ended."""
    left = {k: v for k, v in run.kept.items() if k.startswith("final")}
    return {**_beside(run), **_of_an_attempt(run.kept), **left, "status": run.status}


def _beside(run: Run, attempt: int | None = None) -> Item:
    number = attempt or run.attempt
    return {
        **ids.key_of(f"{run.id}#{number:04}"),
        "attempt": number,
        "started": run.kept["started"],
        "expires": run.kept["expires"],
    }


def _of_an_attempt(item: Item) -> Item:
    return {k: v for k, v in item.items() if k.startswith(_OF_AN_ATTEMPT) and v is not None}


def _record(run: Run, changes: Item, beside: Item | None) -> Run:
    when = "#status = :running AND #attempt = :attempt"
    values: dict[str, Any] = {"running": RunStatus.RUNNING, "attempt": run.attempt}
    try:
        if beside:
            table.update_and_put(ids.key_of(run.id), changes, when, beside, **values)
        else:
            table.update(ids.key_of(run.id), changes, when, **values)
    except ConditionFailed as error:
        item = error.item
        recorded = item.get("status") == changes["status"] and item["attempt"] == run.attempt
        if not recorded:  # by a first try whose answer was lost
            raise NotClaimed(f"the claim of the run {run.id} was lost") from None
    kept = {name: value for name, value in (run.kept | changes).items() if value is not None}
    return replace(run, status=changes["status"], kept=kept)


def _changes(run: Run, outcome: Outcome) -> Item:
    changes: Item = {
        "finished": table.timestamp(time.time()),
        "duration_ms": outcome.duration_ms,
        "lease": None,
    }
    place = f"runs/{run.plan.origin}/{run.job}/{run.attempt}"
    beside = {
        "log": outcome.log.encode("utf-8", "backslashreplace"),
        "final": outcome.final,
        "emitted": outcome.emitted,
        "initial": outcome.initial,
        "resume": outcome.resume.state if outcome.resume else None,
    }
    for name, content in beside.items():
        if name != "initial" or content:  # what an earlier attempt left is this one's no more
            changes |= blobs.cleared(name, run.kept)
        if content:
            changes |= blobs.keep(name, content, f"{place}/{name}", _INLINE)
    if outcome.left_by:
        changes["left_by"] = outcome.left_by
    if outcome.error or "error" in run.kept:
        changes["error"] = json.dumps(outcome.error.as_dict()) if outcome.error else None
    if resume := outcome.resume:
        changes["resume_at"] = json.dumps([resume.operation, resume.names])
    return {name: None for name in ("resume_at", "due", "handed") if name in run.kept} | changes
