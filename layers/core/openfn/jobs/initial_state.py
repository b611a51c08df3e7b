"""Read what a run's initial state is made of."""

from __future__ import annotations

from openfn.errors import NotFound
from openfn.jobs.state import InitialState
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project.triggers import Kind
from openfn.runs import store as runs
from openfn.runs.model import Run


def load(run: Run) -> InitialState:
    """Return a run's initial state, without configuration and references.

    A message: its body and request. Cron: what a failed run stored of its start. Success: the final
    state of the upstream run. Failure: that run's initial state, and its error. Raises `NotFound`
    when the message or the upstream run has expired.
    """
    plan = run.plan
    if plan.kind is Kind.MESSAGE:
        message = messages.read([plan.source_id]).get(plan.source_id)
        if message is None:
            raise NotFound(f"The message {plan.source_id} has expired.")
        return of_message(message)
    if plan.kind is Kind.CRON:
        # Later runs have changed the job's carried state, so a failed run stores its own.
        return InitialState(run.read("initial") if run.has("initial") else b"{}")
    return _after(runs.load(plan.upstream_id), plan.kind)


def of_message(message: Message) -> InitialState:
    """Return the initial state of a message's run."""
    return InitialState(message.body, message.request)


def _after(upstream: Run, kind: Kind) -> InitialState:
    if kind is Kind.SUCCESS and upstream.has("final"):
        return InitialState(upstream.read("final"))
    if kind is Kind.FAILURE and upstream.error is not None:
        return load(upstream).with_extra({"error": upstream.error})
    raise NotFound(f"The run {upstream.id} was replayed since and ended differently.")
