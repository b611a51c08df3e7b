"""The state of a job: the dict with which it starts, and its form as stored JSON.

Nothing here reads storage, so that a worker can import it without boto3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from typing import Any

from openfn import ids
from openfn.jobs.timeout import TimedOut
from openfn.messages import bodies

State = dict[str, Any]


class EngineState(dict[str, Any]):
    """A state that stays in the engine of a JavaScript job, which writes it as JSON; empty here."""

    def __init__(self, write: Callable[[], str], write_exactly: Callable[[], str | None]) -> None:
        super().__init__()
        self.write, self.write_exactly = write, write_exactly


# An integer with more digits cannot be written as JSON, nor parsed.
_MAX_DIGITS = 4300
# Bound before any job runs: a job may replace the functions of a module.
_dumps, _loads = json.dumps, json.loads
_TEXT = {str}
_SCALARS = {str, int, float, bool, type(None)}


@dataclass(frozen=True, slots=True)
class InitialState:
    """What a state is made of: stored JSON, or a message's body and request; and further keys."""

    content: bytes
    request: Mapping[str, Any] | None = None
    """The request of a message, whose body is `content`; `None` if that is a state."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> State:
        """Return the state; raise `UnreadableBody` for a body in no supported format."""
        if self.request is None:
            state: State = _loads(self.content)
        else:
            body = bodies.parse(self.content, self.request["headers"])
            state = {"data": body, "request": dict(self.request)}
        return {**state, **self.extra}

    def with_extra(self, extra: Mapping[str, Any]) -> InitialState:
        """Return the same with further keys."""
        return replace(self, extra={**self.extra, **extra})


def scheduled_at(source_id: str) -> str:
    """Return the minute in which a cron run was due, as its state has it."""
    return f"{ids.received_at(source_id):%Y-%m-%dT%H:%M:%SZ}"


def with_configuration(state: State, configuration: Mapping[str, Any] | None = None) -> State:
    """Return a state with the job's own configuration and empty references."""
    return {**state, "configuration": dict(configuration or {}), "references": []}


def to_json(state: State) -> bytes:
    """Return a state as stored JSON, without its configuration.

    A value that JSON cannot represent becomes text: a run that has delivered its record must not
    fail because of what remains in the state.
    """
    if isinstance(state, EngineState):
        return state.write().encode()
    public = _without_configuration(state)
    try:
        text = _dump(public)
    except TimedOut:
        raise
    except BaseException:  # a value's own code may raise anything
        text = _dumps({_to_key(key): _to_jsonable(value) for key, value in public.items()})
    return text.encode()


def to_exact_json(state: State) -> bytes | None:
    """Return a state as JSON that parses to an equal state; `None` if that is impossible."""
    if isinstance(state, EngineState):
        exact = state.write_exactly()
        return None if exact is None else exact.encode()
    public = _without_configuration(state)
    try:
        text = _dumps(public, separators=(",", ":"), allow_nan=False)
        return text.encode() if _has_text_keys_only(public) else None
    except TimedOut:
        raise
    except BaseException:  # a value's own code may raise anything
        return None


def _has_text_keys_only(value: Any) -> bool:
    # JSON silently turns other keys into strings. Not recursive, since a state may be deep.
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if not set(map(type, value)) <= _TEXT and not all(
                isinstance(key, str) for key in value
            ):
                return False
            value = value.values()
        waiting += [part for part in value if type(part) not in _SCALARS]
    return True


def _without_configuration(state: State) -> State:
    # As a dict has them, whatever a class of the job's own does.
    return {key: value for key, value in dict.items(state) if not _is_configuration(key)}


def _is_configuration(key: Any) -> bool:
    return isinstance(key, str) and str.__eq__(key, "configuration")


def _to_key(key: Any) -> str:
    try:
        return str(key)
    except TimedOut:
        raise
    except BaseException as error:
        return f"this cannot be written as text: {type(error).__name__}"


def _to_jsonable(value: Any) -> Any:
    # One value that JSON cannot represent must not take a job's cursor with it.
    try:
        return _loads(_dump(value))
    except TimedOut:
        raise
    except BaseException as error:
        return f"this cannot be written as JSON: {type(error).__name__}"


def _dump(value: Any) -> str:
    try:
        return _dumps(value, default=_to_plain, separators=(",", ":"), allow_nan=False)
    except ValueError:
        # NaN and infinities become text: dump them as Python does, and parse them as strings.
        parsed = _loads(_dumps(value, default=_to_plain), parse_constant=str)
        return _dumps(parsed, separators=(",", ":"))


def _to_plain(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        if value.adjusted() >= _MAX_DIGITS:  # its digits would take hours
            return str(value)
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
