"""Runs on their way to the runner: created, and queued in the group that keeps their order.

A group is worked on one run at a time. A run that asks for no order is in a group of its own; where
its job's credential takes only so many runs at once, in one of so many groups of the credential.
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

# What the tick has queued and nobody has claimed by then, it queues again.
_AGAIN_SECONDS = 600


def start(plans: Sequence[Plan]) -> dict[str, str]:
    """Create and queue runs: see `queue`."""
    runs.create(plans, project.current().version)
    return queue(plans)


def queue(plans: Sequence[Plan]) -> dict[str, str]:
    """Queue runs that exist; those the queue does not take are marked for the next tick.

    But not those that ask for an order, since others could pass them: they are given, with why the
    queue did not take them, and what started them has to come again.
    """
    refused = runs.queue([(plan, group_of(plan)) for plan in plans])
    ordered = {plan.id for plan in plans if plan.order}
    for run_id in refused.keys() - ordered:
        runs.mark(run_id, Attention.RUN_UNQUEUED, time.time())
    return {run_id: why for run_id, why in refused.items() if run_id in ordered}


def queue_due(now: float) -> int:
    """Queue the runs whose next attempt is due, and those that could not be; give how many."""
    found = [
        run
        for kind in (Attention.RUN_UNQUEUED, Attention.WAITING)
        for run in runs.marked(kind, now)
    ]
    for run in found:
        # Before it is queued: else it might be claimed, fail and wait anew in between.
        runs.mark(run.id, run.kept["attention"], now + _AGAIN_SECONDS)
    queue([run.plan for run in found])
    return len(found)


def let_through(now: float) -> int:
    """Queue what may reach its destination again: a probe, or all once a circuit has closed."""
    queued = 0
    for credential in circuit_breaker.due(now):
        opened = circuit_breaker.is_open(circuit_breaker.read(credential))
        found = runs.marked(attention.behind_circuit(credential), limit=1 if opened else 500)
        for run in found:
            runs.mark(run.id, Attention.WAITING, now + _AGAIN_SECONDS)
        queue([run.plan for run in found])
        queued += len(found)
        if not found and not opened:
            circuit_breaker.over(credential)
    return queued


def group_of(plan: Plan) -> str:
    """Give the group of the run queue a run belongs to."""
    own = f"{plan.job}#{plan.order}" if plan.order else plan.id
    slots = project.current().max_concurrency_of(plan.job)
    if slots is None:
        return own
    credential = project.current().jobs[plan.job].credential
    return f"{credential}/{zlib.crc32(own.encode()) % slots}"
