"""Emit a new message, or write a line to the run's log."""

from __future__ import annotations

import json
from typing import Any

from adaptors._formats import json_text
from adaptors._runtime import emit as emit_runtime
from adaptors.operations import State, operation

_DATA: Any = object()


@operation
def emit(state: State, inbox: str, body: Any = _DATA) -> State:
    """Emit a new message to an inbox of the same stack, with `body` or else `data` as its body.

    It is matched like any other message, and every job that it triggers has its own run, log and
    outcome. The messages are created once, when the run has succeeded; a failed run emits nothing.
    The state stays as it is.

    >>> from adaptors.common import data_value, each
    >>> operate = each("results", emit("kobo-records"))
    >>> operate = emit("visits", {"case": data_value("case_id"), "source": "nightly"})
    """
    emit_runtime.emit(inbox, json_text.dumps(state.get("data") if body is _DATA else body))
    return state


@operation
def log(state: State, *values: Any) -> State:
    """Write values to the run's log, on one line: texts as they are, everything else as JSON.

    The configuration of a state is masked. The state stays as it is.

    >>> state = log("age:", lambda state: state["data"])({"data": {"age": 7}})
    age: {"age": 7}
    """
    print(*map(_format, values))
    return state


def _format(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "configuration" in value:
        value = {**value, "configuration": "***"}
    return json.dumps(value, ensure_ascii=False, default=str)
