"""The state of a job: the dict with which it starts, and its form as stored JSON."""

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

State = dict[str, Any]


def initial_state(run: Run) -> State:
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
        return from_message(message)
    if plan.kind is Kind.CRON:
        # Later runs have changed the job's carried state, so a failed run stores its own.
        state: State = json.loads(run.read("initial")) if run.has("initial") else {}
        return state
    return _state_after(runs.load(ids.run_id(plan.source_id, plan.upstream or "")), plan.kind)


def _state_after(upstream: Run, kind: Kind) -> State:
    if kind is Kind.SUCCESS and upstream.has("final"):
        final: State = json.loads(upstream.read("final"))
        return final
    if kind is Kind.FAILURE and upstream.error is not None:
        return {**initial_state(upstream), "error": upstream.error}
    raise NotFound(f"The run {upstream.id} was replayed since and ended differently.")


def scheduled(carried: State, source_id: str) -> State:
    """Return the initial state of a cron run: the carried state, and the minute it was due."""
    return {**carried, "scheduled": f"{ids.received_at(source_id):%Y-%m-%dT%H:%M:%SZ}"}


def from_message(message: Message) -> State:
    """Return the initial state of a message's run, without configuration and references."""
    return {"data": bodies.parse(message.body, message.headers), "request": message.request}


def with_configuration(state: State, configuration: Mapping[str, Any] | None = None) -> State:
    """Return a state with the job's own configuration and empty references."""
    return {**state, "configuration": dict(configuration or {}), "references": []}


def to_json(state: State) -> bytes:
    """Return a state as stored JSON, without its configuration.

    A value that JSON cannot represent becomes text: a run that has delivered its record must not
    fail because of what remains in the state.
    """
    public = _without_configuration(state)
    try:
        text = _dump(public)
    except Exception:
        text = json.dumps({str(key): _to_jsonable(value) for key, value in public.items()})
    return text.encode()


def to_exact_json(state: State) -> bytes | None:
    """Return a state as JSON that parses to an equal state; `None` if that is impossible."""
    public = _without_configuration(state)
    try:
        return json.dumps(public, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def _without_configuration(state: State) -> State:
    return {key: value for key, value in state.items() if key != "configuration"}


def _to_jsonable(value: Any) -> Any:
    # One value that JSON cannot represent must not take a job's cursor with it.
    try:
        return json.loads(_dump(value))
    except Exception as error:
        return f"this cannot be written as JSON: {type(error).__name__}"


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, default=_to_plain, separators=(",", ":"), allow_nan=False)
    except ValueError:
        # NaN and infinities become text: dump them as Python does, and parse them as strings.
        parsed = json.loads(json.dumps(value, default=_to_plain), parse_constant=str)
        return json.dumps(parsed, separators=(",", ":"))


def _to_plain(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
