"""The dict that flows through a job: how it begins, and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from openfn import ids
from openfn.errors import NotFound
from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project.triggers import Kind
from openfn.runs import store as runs
from openfn.runs.model import Run
from openfn.storage import blobs

State = dict[str, Any]


def initial(run: Run) -> State:
    """Give the state a run begins with, but for its configuration and references.

    A message: its body and request. The clock: what a run that failed kept of its beginning. A
    success: the final state of the run before. A failure: the state that run began with, and its
    error. Raises `NotFound` when what it goes back to has expired.
    """
    plan = run.plan
    if plan.kind is Kind.MESSAGE:
        message = messages.read([plan.origin]).get(plan.origin)
        if message is None:
            raise NotFound(f"the message {plan.origin} has expired")
        return of_message(message)
    if plan.kind is Kind.CRON:
        # Later runs of the job have changed what it leaves: a failed one keeps what it began with.
        kept = blobs.has("initial", run.kept)
        state: State = json.loads(blobs.read("initial", run.kept)) if kept else {}
        return state
    upstream = runs.read(ids.run_id(plan.origin, plan.upstream or ""))
    if not blobs.has("final" if plan.kind is Kind.SUCCESS else "error", upstream.kept):
        raise NotFound(f"the run {upstream.id} has been replayed since, and ended otherwise")
    if plan.kind is Kind.SUCCESS:
        final: State = json.loads(blobs.read("final", upstream.kept))
        return final
    return {**initial(upstream), "error": json.loads(upstream.kept["error"])}


def scheduled(left: State, origin: str) -> State:
    """Give the state a run of the clock begins with: what is left, and the minute it was due in."""
    return {**left, "scheduled": f"{ids.received_at(origin):%Y-%m-%dT%H:%M:%SZ}"}


def of_message(message: Message) -> State:
    """Give the state a message's run begins with, but for its configuration and references."""
    return {"data": bodies.parse(message.body, message.headers), "request": message.request}


def begun(state: State, configuration: Mapping[str, Any] | None = None) -> State:
    """Give a job its own credential, and references of its own."""
    return {**state, "configuration": dict(configuration or {}), "references": []}


def kept(state: State) -> bytes:
    """Give a state as the JSON that is kept, without its configuration.

    What JSON has no form for is kept as text: a run that has delivered its record must not fail
    for what it leaves on the state.
    """
    rest = {key: value for key, value in state.items() if key != "configuration"}
    try:
        text = _written(rest)
    except Exception:
        text = json.dumps({str(key): _alone(value) for key, value in rest.items()})
    return text.encode()


def exact(state: State) -> bytes | None:
    """Give a state as JSON that reads as the very same, without its configuration; or `None`."""
    rest = {key: value for key, value in state.items() if key != "configuration"}
    try:
        return json.dumps(rest, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def _alone(value: Any) -> Any:
    # One value that cannot be written must not take a job's cursor with it.
    try:
        return json.loads(_written(value))
    except Exception as error:
        return f"this cannot be written as JSON: {type(error).__name__}"


def _written(rest: Any) -> str:
    try:
        return json.dumps(rest, default=_plain, separators=(",", ":"), allow_nan=False)
    except ValueError:
        # A NaN or an infinity among it: written as Python writes them, and read again as texts.
        plain = json.loads(json.dumps(rest, default=_plain), parse_constant=str)
        return json.dumps(plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
