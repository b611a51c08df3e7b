"""Plan the runs of a message: one for each job whose trigger matches it."""

from __future__ import annotations

from dataclasses import replace

from openfn.errors import UnreadableBody
from openfn.messages import bodies
from openfn.messages.cpu_budget import limit_cpu
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.project.triggers import order_key, with_query_params
from openfn.runs.model import Plan

BODY_ERRORS = (
    *(UnreadableBody, ArithmeticError, LookupError, MemoryError, RecursionError),
    *(TypeError, ValueError),
)
"""What a body can raise while it is matched. It would be raised at every delivery."""


def plan_runs(message: Message) -> list[Plan]:
    """Return the plans of the runs that a message starts."""
    current = project.current()
    parsed = bodies.parse_exact(message.body, message.headers)
    body = with_query_params(parsed, dict(message.query_params))
    inbox = current.inbox_by_name(message.inbox)
    erase = bool(inbox and inbox.keep == "none")
    plan = Plan(message.id, "", "", depth=message.depth, erase=erase)
    with limit_cpu():
        return [
            replace(plan, job=job.name, trigger=trigger.name, order=order_key(trigger, body))
            for trigger, job in current.jobs_for_message(message.inbox, body)
        ]
