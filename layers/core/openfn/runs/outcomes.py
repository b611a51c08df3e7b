"""Record how an attempt ended, only while its runner still holds the claim.

An attempt that is followed by another has a record of its own beside the run: `<run id>#<n>`.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from openfn import ids
from openfn.errors import ConditionFailed, JobError, NotClaimed
from openfn.project.triggers import Kind
from openfn.runs import cron_state
from openfn.runs.model import Run, RunStatus
from openfn.storage import attention, blobs, table
from openfn.storage.attention import Attention
from openfn.storage.dynamodb_values import Item

# Final state, log, emitted messages and resume state share one item of at most 400 KB.
_INLINE_BYTES = 85_000
# After this time the next tick queues a run that should be on the queue but is not claimed.
_GRACE_SECONDS = 3600
_ATTEMPT_ATTRIBUTES = ("finished", "duration_ms", "error", "log")
_IS_OUR_CLAIM = "#status = :running AND #attempt = :attempt"


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where the next attempt resumes: operation, names of those up to it, and state."""

    operation: int
    names: tuple[str, ...]
    state: bytes


@dataclass(slots=True)
class Outcome:
    """How an attempt ended: with a final state or an error.

    States and emitted messages are JSON. `initial` is set only if it cannot be computed again.
    """

    log: str
    duration_ms: int
    final: bytes | None = None
    error: JobError | None = None
    emitted: bytes | None = None
    initial: bytes | None = None
    resume: ResumePoint | None = None
    carried_from: str = ""
    """The run that left the state with which this run, of a cron trigger, began."""

    @property
    def status(self) -> RunStatus:
        """`succeeded` or `failed`."""
        return RunStatus.FAILED if self.error else RunStatus.SUCCEEDED


def finish(run: Run, outcome: Outcome) -> Run:
    """Record how a claimed run ended; raise `NotClaimed` if its claim was lost.

    The success of a cron run also stores the state with which the job's next run begins.
    """
    changes = _changes(run, outcome) | {"status": outcome.status}
    if outcome.error:
        changes |= attention.mark(Attention.FAILED, changes["finished"])
    next_state = None
    if run.plan.kind is Kind.CRON and outcome.final is not None:
        next_state = cron_state.next_item(run.job, run.id, outcome.final, outcome.carried_from)
    return _record(run, changes, next_state)


def schedule_retry(run: Run, outcome: Outcome, due: int, *, queued: bool = False) -> Run:
    """Record a failed attempt and let the run wait for the next (epoch seconds).

    With `queued` its id stays on the queue, where later runs of its order wait behind it.
    """
    changes = _changes(run, outcome) | {"status": RunStatus.WAITING, "due": due}
    changes |= attention.mark(Attention.WAITING, due + queued * _GRACE_SECONDS)
    record = _attempt_key(run, run.attempt) | _attempt_attributes(changes)
    record |= {"started": run.started, "status": RunStatus.FAILED, "next": table.timestamp(due)}
    return _record(run, changes, record)


def park(run: Run, circuit: str, due: int, *, queued: bool = False) -> Run:
    """Park a claimed run until its circuit closes. It does not count as an attempt.

    In the attention index, parked runs are in the order in which their messages came. With
    `queued` the id stays on the queue until an epoch time instead.
    """
    changes: Item = {"status": RunStatus.WAITING, "lease": None, "began": None}
    changes |= {"before": run.attempt - run.tries + 1, "due": due if queued else 0}
    if queued:
        changes |= attention.mark(Attention.WAITING, due + _GRACE_SECONDS)
    else:
        changes |= attention.mark(circuit, run.id)
    return _record(run, changes, None)


def record_crash(run: Run) -> int:
    """Record that the attempt before a claim never ended; return the run's crashes."""
    record = _attempt_key(run, run.attempt - 1) | {
        "started": run.previous_started,
        "status": "crashed",
        "finished": table.timestamp(time.time()),
    }
    table.put(record)
    crashes = run.crashes + 1
    _update_claimed(run, {"crashes": crashes})
    return crashes


def resume_point(run: Run) -> ResumePoint | None:
    """Return where a run's next attempt resumes; `None` at the first operation."""
    if run.resume_at is None:
        return None
    operation, names = run.resume_at
    return ResumePoint(operation, names, run.read("resume"))


def last_attempt_item(run: Run) -> Item:
    """Return the record of the attempt with which a run ended."""
    return {
        **_attempt_key(run, run.attempt),
        **run.attributes((*_ATTEMPT_ATTRIBUTES, "final")),
        "started": run.started,
        "status": run.status,
    }


def _attempt_key(run: Run, attempt: int) -> Item:
    key = ids.key_of(f"{run.id}#{attempt:04}")
    return {**key, "attempt": attempt, "expires": run.expires}


def _attempt_attributes(changes: Item) -> Item:
    return {
        name: value
        for name, value in changes.items()
        if name.startswith(_ATTEMPT_ATTRIBUTES) and value is not None
    }


def _record(run: Run, changes: Item, item: Item | None) -> Run:
    try:
        _update_claimed(run, changes, item)
    except ConditionFailed as error:
        # If the response to our first try was lost, botocore's retry finds it recorded.
        is_recorded = error.item.get("status") == changes["status"]
        if not is_recorded or error.item["attempt"] != run.attempt:
            if "erased" in error.item:  # by prefix, before this attempt wrote its objects
                blobs.delete(changes)
            raise NotClaimed(f"The claim of the run {run.id} was lost.") from None
    return run.updated(changes)


def _update_claimed(run: Run, changes: Item, item: Item | None = None) -> None:
    key = ids.key_of(run.id)
    claim: Item = {"running": RunStatus.RUNNING, "attempt": run.attempt}
    if item:
        table.update_and_put(key, changes, _IS_OUR_CLAIM, item, **claim)
    else:
        table.update(key, changes, _IS_OUR_CLAIM, **claim)


def _changes(run: Run, outcome: Outcome) -> Item:
    changes: Item = {
        "finished": table.timestamp(time.time()),
        "duration_ms": outcome.duration_ms,
        "error": json.dumps(outcome.error.as_dict()) if outcome.error else None,
        **dict.fromkeys(("lease", "due", "handed", "published", "resume_at")),
    }
    if outcome.carried_from:
        changes["left_by"] = outcome.carried_from
    if resume := outcome.resume:
        changes["resume_at"] = json.dumps([resume.operation, resume.names])
    return changes | _contents(run, outcome)


def _contents(run: Run, outcome: Outcome) -> Item:
    contents = {
        "log": outcome.log.encode("utf-8", "backslashreplace"),
        "final": outcome.final,
        "emitted": outcome.emitted,
        "initial": outcome.initial,
        "resume": outcome.resume.state if outcome.resume else None,
    }
    folder = f"runs/{run.plan.source_id}/{ids.path_of(run.id)}/{run.attempt}"
    changes: Item = {}
    for name, content in contents.items():
        # Contents of the attempt before are replaced, but its initial state stays valid.
        if name != "initial" or content:
            changes |= run.cleared(name)
        if content:
            changes |= blobs.store(name, content, f"{folder}/{name}", _INLINE_BYTES)
    return changes
