"""Create runs and queue them in the group that keeps their order.

The queue delivers the runs of one group one after the other. A run without an order has a group of
its own. If its job's credential has a `max_concurrency`, it shares one of that many groups.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence

from openfn.project import compiled as project
from openfn.runs import circuit_breaker
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import attention
from openfn.storage.attention import Attention

# A queued run that no runner has claimed after this time is queued again.
_REQUEUE_SECONDS = 600


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


def queue_due(now: float) -> int:
    """Queue refused runs and runs whose next attempt is due; return their number."""
    kinds = (Attention.RUN_UNQUEUED, Attention.WAITING)
    due = [run for kind in kinds for run in runs.flagged(kind, now)]
    for run in due:
        # Before it is queued: it could be claimed, fail and wait again in between.
        runs.flag(run.id, run.attention, now + _REQUEUE_SECONDS)
    queue([run.plan for run in due])
    return len(due)


def release(now: float) -> int:
    """Queue parked runs: one probe, or all once the circuit is closed; return their number.

    Runs whose job does not use the credential any more wait for nothing, and would be no probe.
    """
    released = 0
    for credential in circuit_breaker.due(now):
        jobs = project.current().jobs_with(credential)
        if not jobs:
            circuit_breaker.close_unused(credential)
        is_open = circuit_breaker.is_open(credential)
        parked = attention.query(attention.behind_circuit(credential), limit=500)
        probes = [item["sk"] for item in parked if item["job"] in jobs]
        others = [item["sk"] for item in parked if item["job"] not in jobs]
        due = runs.load_all(others + probes[: 1 if is_open else None])
        for run_id in sorted(due):
            runs.flag(run_id, Attention.WAITING, now + _REQUEUE_SECONDS)
        queue([due[run_id].plan for run_id in sorted(due)])
        released += len(due)
        if not parked and not is_open:
            circuit_breaker.delete_closed(credential)
    return released


def group_of(plan: Plan) -> str:
    """Return the group of the run queue to which a run belongs."""
    own_group = f"{plan.job}#{plan.order}" if plan.order else plan.id
    slots = project.current().max_concurrency_of(plan.job)
    if slots is None:
        return own_group
    credential = project.current().jobs[plan.job].credential
    return f"{credential}/{zlib.crc32(own_group.encode()) % slots}"
