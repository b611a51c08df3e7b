"""One job applied to one message: created once, executed by one runner at a time, kept.

A run is `queued`, then `running`, then `succeeded` or `failed`. Failed runs stand in the sparse
index `attention`, which costs nothing while all is well.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from openfn import aws, contents, ids
from openfn.aws import Setting
from openfn.errors import JobError, NotClaimed, NotFound
from openfn.messages import expiry

QUEUED, RUNNING, SUCCEEDED, FAILED = "queued", "running", "succeeded", "failed"
# Final state and log share one item of 400 KB.
_INLINE = 150_000


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its runner sees it; `attempt` counts from 1 and fences this claim."""

    id: str
    job: str
    attempt: int

    @property
    def message_id(self) -> str:
        """The message the run belongs to."""
        return ids.message_id_of(self.id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its final state as JSON, or its error; what it printed; milliseconds."""

    log: str
    duration_ms: int
    final: bytes | None = None
    error: JobError | None = None

    @property
    def status(self) -> str:
        """`succeeded` or `failed`."""
        return FAILED if self.error else SUCCEEDED


def create(message_id: str, job: str, trigger: str, version: str) -> str:
    """Create the run of a job on a message, once however often it is asked for; give its id."""
    run_id = ids.run_id(message_id, job)
    item = {
        **ids.key_of(run_id),
        "job": job,
        "trigger": trigger,
        "project_version": version,
        "status": QUEUED,
        "attempt": 0,
        "expires": expiry(),
    }
    aws.put(item)
    return run_id


def queue(run_ids: Sequence[str]) -> dict[str, str]:
    """Queue runs for the runner; give those the queue did not take, with why."""
    bodies = {json.dumps({"run_id": run_id}): run_id for run_id in run_ids}
    refused = aws.send(Setting.RUN_QUEUE_URL, list(bodies))
    return {bodies[body]: why for body, why in refused.items()}


def claim(run_id: str, seconds: float) -> Run | None:
    """Take a run for so many seconds; `None` when it has ended already.

    Raises `NotClaimed` while another runner has it, `NotFound` when there is no such run.
    """
    now, token = time.time(), secrets.token_hex(8)
    lease = {"status": RUNNING, "lease": int(now + seconds) + 1, "started": _now(), "claim": token}
    try:
        item = aws.update(
            ids.key_of(run_id),
            lease,
            "#status = :queued OR (#status = :running AND #lease < :now)",
            add="attempt",
            queued=QUEUED,
            running=RUNNING,
            now=int(now),
        )
    except ClientError as error:
        item = aws.item_in(error)
        if not item:
            raise NotFound(f"there is no run {run_id}") from None
        # Our own claim refuses its second try, when the answer to the first was lost.
        if item["status"] == RUNNING and item.get("claim") != token:
            raise NotClaimed(f"the run {run_id} is being executed elsewhere") from None
        if item["status"] != RUNNING:
            return None
    return Run(run_id, item["job"], int(item["attempt"]))


def finish(run: Run, outcome: Outcome) -> None:
    """Record how a claimed run ended; `NotClaimed` when the claim was lost meanwhile."""
    try:
        aws.update(
            ids.key_of(run.id),
            _changes(run, outcome),
            "#status = :running AND #attempt = :attempt",
            running=RUNNING,
            attempt=run.attempt,
        )
    except ClientError as error:
        item = aws.item_in(error)
        recorded = item.get("status") == outcome.status and item["attempt"] == run.attempt
        if not recorded:  # by a first try whose answer was lost
            raise NotClaimed(f"the claim of the run {run.id} was lost") from None


def _changes(run: Run, outcome: Outcome) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "status": outcome.status,
        "finished": _now(),
        "duration_ms": outcome.duration_ms,
        "lease": None,
    }
    place = f"runs/{run.message_id}/{run.job}/{run.attempt}"
    if outcome.log:
        changes |= contents.keep(
            "log", outcome.log.encode("utf-8", "backslashreplace"), f"{place}/log", _INLINE
        )
    if outcome.final is not None:
        changes |= contents.keep("final", outcome.final, f"{place}/final", _INLINE)
    if outcome.error:
        changes["error"] = json.dumps(outcome.error.as_dict())
        changes |= {"attention": FAILED, "attention_at": changes["finished"]}
    return changes


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
