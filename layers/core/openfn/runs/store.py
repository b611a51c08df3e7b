"""Runs in the table: created once, queued, and claimed by one runner at a time.

A run applies one job to one source: a message, or the minute in which a cron trigger was due. It is
`queued`, then `running`, then `succeeded` or `failed`; after a retryable failure it is `waiting`
for its next attempt. Runs that wait, failed or could not be queued are in the attention index.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from openfn import ids
from openfn.errors import ConditionFailed, NotClaimed, NotFound
from openfn.messages.store import expires_at
from openfn.runs.model import Plan, Run, RunStatus
from openfn.storage import attention, aws, survival, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Setting
from openfn.storage.dynamodb_values import Item

_IS_CLAIMABLE = (
    "#expires > :now AND (#status = :queued OR (#status = :waiting AND #due <= :now)"
    " OR (#status = :running AND #lease < :now))"
)
# After this time the next tick queues a released run whose id is not on the queue.
_GRACE_SECONDS = 3600
_CLAIMABLE_STATUSES: Item = {
    "queued": RunStatus.QUEUED,
    "waiting": RunStatus.WAITING,
    "running": RunStatus.RUNNING,
}


def create(plans: Sequence[Plan], version: str) -> None:
    """Create runs in as few calls as possible; those that exist stay as they are."""
    table.put_groups([[_new_item(plan, version)] for plan in plans])


def queue(plans: Sequence[tuple[Plan, str]]) -> dict[str, str]:
    """Queue runs, each in its group; return the reasons of the refused ones by run id."""
    bodies = {json.dumps({"run_id": plan.id}): (plan.id, group) for plan, group in plans}
    entries = [(body, group) for body, (_, group) in bodies.items()]
    refused = aws.send(Setting.RUN_QUEUE_URL, entries)
    return {bodies[body][0]: reason for body, reason in refused.items()}


def flag(run_id: str, kind: str, at: float) -> None:
    """Put a queued or waiting run into the attention index, from an epoch time on."""
    changes, is_idle = attention.mark(kind, at), "#status IN (:queued, :waiting)"
    statuses: Item = {"queued": RunStatus.QUEUED, "waiting": RunStatus.WAITING}
    with suppress(ConditionFailed):  # it was claimed meanwhile
        table.update(ids.key_of(run_id), changes, is_idle, **statuses)


def flagged(kind: str, until: float | None = None, page_size: int = 100) -> Iterator[list[Run]]:
    """Yield the runs of a kind in the attention index, up to an epoch time, in pages.

    The pages are in the order of the index, and the runs of a page in the order of their ids.
    """
    for items in attention.pages(kind, until, page_size):
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in items]
        yield sorted((Run.from_item(item) for item in table.get(keys)), key=lambda run: run.id)


def count_queued() -> int:
    """Return about how many ids of runs wait on the queue."""
    return aws.count_queued(Setting.RUN_QUEUE_URL)


def load(run_id: str) -> Run:
    """Load a run; raise `NotFound` when the table has none with this id."""
    items = table.get([ids.key_of(run_id)])
    if not items:
        raise _not_found(run_id)
    return Run.from_item(items[0])


def load_all(run_ids: Iterable[str]) -> dict[str, Run]:
    """Load runs by id in as few calls as possible; unknown and invalid ids are left out."""
    keys = [ids.key_of(run_id) for run_id in run_ids if ids.is_run_id(run_id)]
    return {item["sk"]: Run.from_item(item) for item in table.get(keys)}


def claim(run_id: str, seconds: float) -> Run:
    """Claim a run for some seconds; return it unclaimed if it has ended or is not due.

    Raises `NotClaimed` while another runner executes it, and `NotFound` when it does not exist.
    """
    now, token = time.time(), secrets.token_hex(8)
    lease: Item = {"status": RunStatus.RUNNING, "lease": int(now + seconds) + 1, "claim": token}
    lease["started"] = table.timestamp(now)
    try:
        before = table.update(
            ids.key_of(run_id),
            {**lease, **attention.clear()},
            _IS_CLAIMABLE,
            increment="attempt",
            defaults={"began": int(now)},
            return_old=True,
            now=int(now),
            **_CLAIMABLE_STATUSES,
        )
    except ConditionFailed as error:
        return _unclaimed(run_id, error.item, token, now)
    except aws.AWSError:  # it may have taken effect
        release(run_id, token)
        raise
    return Run.from_item(
        {"began": int(now), **before, **lease, "attempt": before["attempt"] + 1},
        crashed=_is_left_by_dead_runner(before),
        previous_started=before.get("started", ""),
    )


def _is_left_by_dead_runner(before: Item) -> bool:
    is_running = before["status"] == RunStatus.RUNNING
    return is_running and not survival.has_survived(before.get("claim", ""))


def release(run_id: str, claim: str) -> None:
    """Release a claim after an error of AWS: its process is alive, so it is no crash.

    The attempt does not count. The id stays on the queue and is delivered again.
    """
    changes: Item = {
        "status": RunStatus.QUEUED,
        "lease": None,
        **attention.mark(Attention.RUN_UNQUEUED, time.time() + _GRACE_SECONDS),
    }
    key, is_ours = ids.key_of(run_id), "#status = :running AND #claim = :claim"
    values: Item = {"running": RunStatus.RUNNING, "claim": claim}
    write = partial(table.update, key, changes, is_ours, increment="before", **values)
    with suppress(ConditionFailed):  # the claim did not take effect, or the outcome is recorded
        survival.remove_mark(claim, write)


def _unclaimed(run_id: str, item: Item, token: str, now: float) -> Run:
    # DynamoDB deletes expired items up to days later, when their contents may be gone already.
    if not item or int(item["expires"]) <= now:
        raise _not_found(run_id)
    # If the response to our first try was lost, botocore's retry fails on our own claim.
    if item["status"] == RunStatus.RUNNING and item.get("claim") != token:
        raise NotClaimed(f"Another runner executes the run {run_id}.")
    return Run.from_item(item)


def _not_found(run_id: str) -> NotFound:
    return NotFound(f"No run with id {run_id}. It may be older than the retention period.")


def _new_item(plan: Plan, version: str) -> Item:
    item = {
        **ids.key_of(plan.id),
        "job": plan.job,
        "trigger": plan.trigger,
        "kind": plan.kind,
        "upstream": plan.upstream,
        "upstream_id": _upstream_id(plan),
        "order": plan.order,
        "depth": plan.depth or None,
        "erase": plan.erase or None,
        "project_version": version,
        "status": RunStatus.QUEUED,
        "attempt": 0,
        "expires": expires_at(),
    }
    return {name: value for name, value in item.items() if value is not None}


def _upstream_id(plan: Plan) -> str | None:
    is_derived = plan.upstream_id == ids.run_id(plan.source_id, plan.upstream or "")
    return None if is_derived or not plan.upstream_id else plan.upstream_id
