"""Create runs and queue them in the group that keeps their order.

The queue delivers the runs of one group one after the other. A run without an order has a group of
its own. If its job's credential has a `max_concurrency`, it shares one of that many groups.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Sequence

from openfn.project import compiled as project
from openfn.runs import circuit_breaker
from openfn.runs import store as runs
from openfn.runs.model import Plan, Run
from openfn.storage import attention
from openfn.storage.attention import Attention
from openfn.time_budget import TimeBudget

_MAX_GROUP = 128
# A queued run that no runner has claimed after this time is queued again.
_REQUEUE_SECONDS = 600
PAGE_RUNS = 50
"""How many runs a tick queues before it looks at its time budget."""
MAX_QUEUED = 20_000
"""With so many ids on the run queue, a tick queues one page of each kind only."""


def create_and_queue(plans: Sequence[Plan]) -> dict[str, str]:
    """Create runs and queue them; return the reasons of refused runs with an order by id."""
    runs.create(plans, project.current().version)
    return queue(plans)


def queue(plans: Sequence[Plan]) -> dict[str, str]:
    """Queue existing runs; the next tick queues those that the queue refuses.

    Returns the reasons of refused runs with an order by id. The tick must not queue these, because
    later runs could pass them: the message or tick that started them has to come again.
    """
    refused = runs.queue([(plan, group_of(plan)) for plan in plans])
    ordered = {plan.id for plan in plans if plan.order}
    for run_id in refused.keys() - ordered:
        runs.flag(run_id, Attention.RUN_UNQUEUED, time.time())
    return {run_id: reason for run_id, reason in refused.items() if run_id in ordered}


def queue_due(now: float, budget: TimeBudget) -> int:
    """Queue refused runs and runs whose next attempt is due; return their number.

    What the budget does not allow stays in the attention index, and comes first at the next tick.
    """
    queued = 0
    kinds = (Attention.RUN_UNQUEUED, Attention.WAITING)
    for left, kind in zip((2, 1), kinds, strict=True):
        share = budget.share(left)
        for page in runs.flagged(kind, now, PAGE_RUNS):
            _queue_again(page, now, queued)
            queued += len(page)
            if _is_queue_full(queued) or share.is_used_up:
                break
    return queued


def release(now: float, budget: TimeBudget) -> int:
    """Queue parked runs: one probe, or all once the circuit is closed; return their number.

    Circuits whose runs do not fit into the budget come last at the next tick.
    """
    released = 0
    credentials = circuit_breaker.due(now)
    for number, credential in enumerate(credentials):
        if number and budget.is_used_up:
            break
        share = budget.share(len(credentials) - number)
        released += _release_behind(credential, now, share, released)
    return released


def _release_behind(credential: str, now: float, share: TimeBudget, released: int) -> int:
    """Release the runs behind one circuit.

    Runs whose job does not use the credential any more wait for nothing, and would be no probe.
    """
    jobs = project.current().jobs_with(credential)
    if not jobs:
        circuit_breaker.close_unused(credential)
    before, is_open = released, circuit_breaker.is_open(credential)
    for parked in attention.pages(attention.behind_circuit(credential), page_size=PAGE_RUNS):
        probes = [item["sk"] for item in parked if item["job"] in jobs]
        others = [item["sk"] for item in parked if item["job"] not in jobs]
        due = runs.load_all(others + probes[: 1 if is_open else None])
        _queue_again([due[run_id] for run_id in sorted(due)], now, released, Attention.WAITING)
        released += len(due)
        if is_open or _is_queue_full(released) or share.is_used_up:
            circuit_breaker.move_back(credential, now)
            return released - before
        is_open = circuit_breaker.is_open(credential)  # the destination may have failed again
    if released == before and not is_open:
        circuit_breaker.delete_closed(credential)
    return released - before


def _queue_again(due: Sequence[Run], now: float, before: int, kind: str = "") -> None:
    for number, run in enumerate(due, before):
        # Before it is queued: it could be claimed, fail and wait again in between. The index keeps
        # the order, since each run has its own millisecond.
        at = now + _REQUEUE_SECONDS + number / 1000
        runs.flag(run.id, kind or run.attention, at)
    queue([run.plan for run in due])


def _is_queue_full(queued: int) -> bool:
    # What runners cannot take within `_REQUEUE_SECONDS` would be queued twice.
    return queued >= PAGE_RUNS and runs.count_queued() >= MAX_QUEUED


def group_of(plan: Plan) -> str:
    """Return the group of the run queue to which a run belongs."""
    own_group = f"{plan.job}#{plan.order}" if plan.order else _group_of_one(plan)
    slots = project.current().max_concurrency_of(plan.job)
    if slots is None:
        return own_group
    credential = project.current().jobs[plan.job].credential
    return f"{credential}/{zlib.crc32(own_group.encode()) % slots}"


def _group_of_one(plan: Plan) -> str:
    """Return the group of a run without an order; SQS allows 128 characters."""
    if len(plan.id) <= _MAX_GROUP:
        return plan.id
    return f"{plan.source_id}#{hashlib.sha256(plan.id.encode()).hexdigest()}"
