"""The triggers of a job: whether one matches a message, and problems of several together."""

from __future__ import annotations

from typing import Any

from openfn.history.why_not import explain
from workbench.project.compiler import message_triggers
from workbench.project.schema.project import ProjectSpec


def mismatches(spec: ProjectSpec, job: str, inbox: str | None, body: Any) -> dict[str, str]:
    """Return why none of a job's message triggers matches a body, by trigger.

    Empty if one matches, and if the job has none. With `inbox` None, any inbox will do.
    """
    names = spec.jobs[job].trigger
    triggers = [trigger for trigger in message_triggers(spec) if trigger.name in names]
    results = [explain(trigger, inbox, body) for trigger in triggers]
    if any(result.matches for result in results):
        return {}
    return {result.trigger: result.why for result in results}
