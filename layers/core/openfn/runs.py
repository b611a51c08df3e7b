"""One job applied to one origin: created once, executed by one runner at a time, kept.

The origin is a message, or the minute in which a cron trigger was due. A run is `queued`, then
`running`, then `succeeded` or `failed`. Failed runs stand in the sparse index `attention`, which
costs nothing while all is well.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from openfn import aws, contents, ids, jobstates, table
from openfn.aws import Item, Setting
from openfn.errors import JobError, NotClaimed, NotFound
from openfn.messages import expiry
from openfn.triggers import Kind

QUEUED, RUNNING, SUCCEEDED, FAILED = "queued", "running", "succeeded", "failed"
# Final state, log and what was emitted share one item of 400 KB.
_INLINE = 110_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is to be: its origin, its job, and what started it.

    Runs of a job with the same `order` execute one after the other. `depth` counts the runs that
    emitted the message it goes back to, one out of the other.
    """

    origin: str
    job: str
    trigger: str
    kind: Kind = Kind.MESSAGE
    upstream: str | None = None
    """The job whose success or failure starts it."""
    order: str | None = None
    depth: int = 0

    @property
    def id(self) -> str:
        """The run's id."""
        return ids.run_id(self.origin, self.job)

    @property
    def group(self) -> str:
        """The group of the run queue: one run of a group is executed at a time."""
        return f"{self.job}#{self.order}" if self.order else self.id


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is kept; `attempt` counts from 1 and fences a claim."""

    plan: Plan
    attempt: int
    status: str
    kept: Item
    """The item, for the contents beside it: `final`, `initial`, `emitted`."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.plan.id

    @property
    def job(self) -> str:
        """The job it applies."""
        return self.plan.job

    @property
    def ended(self) -> bool:
        """Whether its outcome is recorded."""
        return self.status in (SUCCEEDED, FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its final state as JSON, or its error; what it printed; milliseconds.

    `emitted` is what it hands to inboxes, as JSON; `initial` is kept where it cannot be had again.
    """

    log: str
    duration_ms: int
    final: bytes | None = None
    error: JobError | None = None
    emitted: bytes | None = None
    initial: bytes | None = None

    @property
    def status(self) -> str:
        """`succeeded` or `failed`."""
        return FAILED if self.error else SUCCEEDED


def create(plans: Sequence[Plan], version: str) -> None:
    """Create runs, each once however often it is asked for, in as few calls as can be."""
    table.put_each([[_item(plan, version)] for plan in plans])


def queue(plans: Sequence[Plan]) -> dict[str, str]:
    """Queue runs for the runner; give the ids that the queue did not take, with why."""
    texts = {json.dumps({"run_id": plan.id}): plan for plan in plans}
    refused = aws.send(Setting.RUN_QUEUE_URL, [(text, plan.group) for text, plan in texts.items()])
    return {texts[text].id: why for text, why in refused.items()}


def read(run_id: str) -> Run:
    """Read a run; raises `NotFound` when there is none."""
    items = table.get([ids.key_of(run_id)])
    if not items:
        raise NotFound(f"there is no run {run_id} (any more)")
    return _run(items[0])


def claim(run_id: str, seconds: float) -> Run:
    """Take a run for so many seconds; one that has ended already is given as it is.

    Raises `NotClaimed` while another runner has it, `NotFound` when there is no such run.
    """
    now, token = time.time(), secrets.token_hex(8)
    lease = {"status": RUNNING, "lease": int(now + seconds) + 1, "started": _now(), "claim": token}
    try:
        item = table.update(
            ids.key_of(run_id),
            lease,
            "#status = :queued OR (#status = :running AND #lease < :now)",
            add="attempt",
            queued=QUEUED,
            running=RUNNING,
            now=int(now),
        )
    except ClientError as error:
        item = table.item_in(error)
        if not item:
            raise NotFound(f"there is no run {run_id}") from None
        # Our own claim refuses its second try, when the answer to the first was lost.
        if item["status"] == RUNNING and item.get("claim") != token:
            raise NotClaimed(f"the run {run_id} is being executed elsewhere") from None
    return _run(item)


def finish(run: Run, outcome: Outcome) -> Run:
    """Record how a claimed run ended; `NotClaimed` when the claim was lost meanwhile.

    With the success of a job on the clock goes the state that its next run begins with.
    """
    changes = _changes(run, outcome)
    when = "#status = :running AND #attempt = :attempt"
    state = None
    if run.plan.kind is Kind.CRON and outcome.final is not None:
        state = jobstates.following(run.job, run.id, outcome.final)
    try:
        values: dict[str, Any] = {"running": RUNNING, "attempt": run.attempt}
        if state:
            table.update_and_put(ids.key_of(run.id), changes, when, state, **values)
        else:
            table.update(ids.key_of(run.id), changes, when, **values)
    except ClientError as error:
        item = table.item_in(error)
        recorded = item.get("status") == outcome.status and item["attempt"] == run.attempt
        if not recorded:  # by a first try whose answer was lost
            raise NotClaimed(f"the claim of the run {run.id} was lost") from None
    return replace(run, status=outcome.status, kept=run.kept | changes)


def _changes(run: Run, outcome: Outcome) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "status": outcome.status,
        "finished": _now(),
        "duration_ms": outcome.duration_ms,
        "lease": None,
    }
    place = f"runs/{run.plan.origin}/{run.job}/{run.attempt}"
    beside = {
        "log": outcome.log.encode("utf-8", "backslashreplace"),
        "final": outcome.final,
        "emitted": outcome.emitted,
        "initial": outcome.initial,
    }
    for name, content in beside.items():
        if content:
            changes |= contents.keep(name, content, f"{place}/{name}", _INLINE)
    if outcome.error:
        changes["error"] = json.dumps(outcome.error.as_dict())
        changes |= {"attention": FAILED, "attention_at": changes["finished"]}
    return changes


def _item(plan: Plan, version: str) -> Item:
    item = {
        **ids.key_of(plan.id),
        "job": plan.job,
        "trigger": plan.trigger,
        "kind": plan.kind,
        "upstream": plan.upstream,
        "order": plan.order,
        "depth": plan.depth or None,
        "project_version": version,
        "status": QUEUED,
        "attempt": 0,
        "expires": expiry(),
    }
    return {name: value for name, value in item.items() if value is not None}


def _run(item: Item) -> Run:
    plan = Plan(
        origin=ids.origin_of(item["sk"]),
        job=item["job"],
        trigger=item["trigger"],
        kind=Kind(item["kind"]),
        upstream=item.get("upstream"),
        order=item.get("order"),
        depth=int(item.get("depth", 0)),
    )
    return Run(plan, int(item["attempt"]), item["status"], item)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
