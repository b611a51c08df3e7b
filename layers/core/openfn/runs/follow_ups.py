"""Plan the runs that follow the end of a run.

A project may be edited after a run has ended, so that the ids of its following runs would have
another form. A replayed run may end differently, while its following runs exist. In these cases
the stored runs are read first, so that no job is started twice by one run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from openfn import ids
from openfn.project import compiled as project
from openfn.project.triggers import Kind
from openfn.runs import replay
from openfn.runs import store as runs
from openfn.runs.model import Plan, Run, RunStatus


def plan_follow_ups(run: Run) -> list[Plan]:
    """Return the plans of the runs that the success or failure of a run starts."""
    current = project.current()
    kind = Kind.SUCCESS if run.status is RunStatus.SUCCEEDED else Kind.FAILURE
    plans = [
        replace(
            run.plan,
            job=job.name,
            trigger=trigger.name,
            kind=kind,
            upstream=run.job,
            upstream_id=run.id,
            branch=ids.branch_after(run.id) if job.name in current.branching_jobs else "",
        )
        for trigger, job in current.follow_up_jobs(run.job, kind)
    ]
    if not plans or (run.project_version == current.version and not run.was_replayed):
        return plans
    forms = [form for plan in plans for form in _forms(plan)]
    stored = runs.load_all(form.id for form in forms)
    return [_as_stored(plan, stored) for plan in plans]


def _forms(plan: Plan) -> tuple[Plan, Plan]:
    """Return a plan with both forms of its id."""
    return replace(plan, branch=""), replace(plan, branch=ids.branch_after(plan.upstream_id))


def _as_stored(plan: Plan, stored: Mapping[str, Run]) -> Plan:
    existing = [stored[form.id] for form in _forms(plan) if form.id in stored]
    for run in existing:
        if run.plan.upstream_id == plan.upstream_id:
            if run.plan.kind is not plan.kind:
                replay.follow_other_end(run, plan)
            return run.plan
    # The short id may belong to a run that something else has started.
    return _forms(plan)[1] if existing else plan
