"""One job applied to one origin: created once, executed by one runner at a time, kept.

The origin is a message, or the minute in which a cron trigger was due. A run is `queued`, then
`running`, then `succeeded` or `failed`; one that failed for now is `waiting` for its next attempt.
What waits, could not be queued or failed stands in the sparse index `attention`, which costs
nothing while all is well.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from openfn import ids
from openfn.errors import ConditionFailed, NotClaimed, NotFound
from openfn.messages.store import expiry
from openfn.project.triggers import Kind
from openfn.runs.model import Plan, Run, RunStatus
from openfn.storage import attention, aws, table
from openfn.storage.aws import Item, Setting

_CLAIMABLE = (
    "#expires > :now AND (#status = :queued OR (#status = :waiting AND #due <= :now)"
    " OR (#status = :running AND #lease < :now))"
)
_CLAIMABLE_STATUSES: dict[str, Any] = {
    status.value: status for status in (RunStatus.QUEUED, RunStatus.WAITING, RunStatus.RUNNING)
}


def create(plans: Sequence[Plan], version: str) -> None:
    """Create runs, each once however often it is asked for, in as few calls as can be."""
    table.put_each([[_item(plan, version)] for plan in plans])


def queue(plans: Sequence[tuple[Plan, str]]) -> dict[str, str]:
    """Queue runs, each in its group; give the ids that the queue did not take, with why."""
    texts = {json.dumps({"run_id": plan.id}): (plan.id, group) for plan, group in plans}
    refused = aws.send(Setting.RUN_QUEUE_URL, [(text, group) for text, (_, group) in texts.items()])
    return {texts[text][0]: why for text, why in refused.items()}


def mark(run_id: str, kind: str, at: float) -> None:
    """Let a run that has not ended stand in the index `attention` from a time (epoch) on."""
    changes = attention.mark(kind, at)
    with suppress(ConditionFailed):  # it was claimed meanwhile
        table.update(
            ids.key_of(run_id),
            changes,
            "#status IN (:a, :b)",
            a=RunStatus.QUEUED,
            b=RunStatus.WAITING,
        )


def marked(kind: str, until: float | None = None, limit: int = 500) -> list[Run]:
    """Give the runs that stand in the index `attention`, until a time (epoch), by their ids."""
    items = attention.query(kind, until, limit)
    keys = [{"pk": item["pk"], "sk": item["sk"]} for item in items]
    return sorted((of_item(item) for item in table.get(keys)), key=lambda run: run.id)


def read(run_id: str) -> Run:
    """Read a run; raises `NotFound` when there is none."""
    items = table.get([ids.key_of(run_id)])
    if not items:
        raise NotFound(f"there is no run {run_id} (any more)")
    return of_item(items[0])


def read_all(run_ids: Iterable[str]) -> dict[str, Run]:
    """Read runs by id in as few calls as can be; what is no run's id is left out."""
    keys = [ids.key_of(each) for each in run_ids if ids.is_run_id(each)]
    return {item["sk"]: of_item(item) for item in table.get(keys)}


def claim(run_id: str, seconds: float) -> Run:
    """Take a run for so many seconds; one that has ended or is not due is given as it is.

    Raises `NotClaimed` while another runner has it, `NotFound` when there is no such run.
    """
    now, token = time.time(), secrets.token_hex(8)
    lease = {
        "status": RunStatus.RUNNING,
        "lease": int(now + seconds) + 1,
        "started": table.timestamp(now),
    }
    try:
        before = table.update(
            ids.key_of(run_id),
            {**lease, "claim": token, **attention.clear()},
            _CLAIMABLE,
            add="attempt",
            once={"began": int(now)},
            give_old=True,
            now=int(now),
            **_CLAIMABLE_STATUSES,
        )
    except ConditionFailed as error:
        return _unclaimed(run_id, error.item, token, now)
    claimed = {**before, **lease, "attempt": before["attempt"] + 1, "was": before.get("started")}
    return of_item({"began": int(now), **claimed}, crashed=before["status"] == RunStatus.RUNNING)


def _unclaimed(run_id: str, item: Item, token: str, now: float) -> Run:
    # DynamoDB deletes what has expired up to days later, and what followed it may be gone.
    if not item or int(item["expires"]) <= now:
        raise NotFound(f"there is no run {run_id} (any more)")
    # Our own claim refuses its second try, when the answer to the first was lost.
    if item["status"] == RunStatus.RUNNING and item.get("claim") != token:
        raise NotClaimed(f"the run {run_id} is being executed elsewhere")
    return of_item(item)


def of_item(item: Item, *, crashed: bool = False) -> Run:
    """Give the run that an item keeps."""
    plan = Plan(
        origin=ids.origin_of(item["sk"]),
        job=item["job"],
        trigger=item["trigger"],
        kind=Kind(item["kind"]),
        upstream=item.get("upstream"),
        order=item.get("order"),
        depth=int(item.get("depth", 0)),
        erase=bool(item.get("erase")),
    )
    return Run(plan, int(item["attempt"]), RunStatus(item["status"]), item, crashed)


def _item(plan: Plan, version: str) -> Item:
    item = {
        **ids.key_of(plan.id),
        "job": plan.job,
        "trigger": plan.trigger,
        "kind": plan.kind,
        "upstream": plan.upstream,
        "order": plan.order,
        "depth": plan.depth or None,
        "erase": plan.erase or None,
        "project_version": version,
        "status": RunStatus.QUEUED,
        "attempt": 0,
        "expires": expiry(),
    }
    return {name: value for name, value in item.items() if value is not None}
