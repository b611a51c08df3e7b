"""Which jobs can run several times for one message or minute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from openfn.project.triggers import FlowTrigger, Trigger


def branching_jobs(triggers_of: Mapping[str, Sequence[Trigger]]) -> frozenset[str]:
    """Return the jobs for which the id of a following run names the run before it.

    These are the jobs with several triggers, and those that follow a job that can run several times
    for one message or minute. `triggers_of` has the triggers of each job.
    """
    repeated = _repeated_jobs(triggers_of)
    return frozenset(
        job
        for job, triggers in triggers_of.items()
        if len(triggers) > 1 or not repeated.isdisjoint(_upstream_jobs(triggers))
    )


def _repeated_jobs(triggers_of: Mapping[str, Sequence[Trigger]]) -> set[str]:
    """Return the jobs that can run several times: after several jobs, or after a repeated job."""
    followers: dict[str, list[str]] = defaultdict(list)
    pending: list[str] = []
    for job, triggers in triggers_of.items():
        upstream_jobs = _upstream_jobs(triggers)
        for upstream in upstream_jobs:
            followers[upstream].append(job)
        # A message or a minute starts one run of a job, however many triggers match.
        starts_itself = any(not isinstance(trigger, FlowTrigger) for trigger in triggers)
        if len(upstream_jobs) + starts_itself > 1:
            pending.append(job)
    repeated: set[str] = set()
    while pending:
        job = pending.pop()
        if job not in repeated:
            repeated.add(job)
            pending += followers[job]
    return repeated


def _upstream_jobs(triggers: Sequence[Trigger]) -> set[str]:
    return {trigger.job for trigger in triggers if isinstance(trigger, FlowTrigger)}
