"""What a job tells others without an adaptor: a new message, a line in the run's log."""

from __future__ import annotations

import json
from typing import Any

from adaptors._formats import json_text
from adaptors._runtime import emit as outbox
from adaptors.operations import State, operation

_DATA: Any = object()


@operation
def emit(state: State, inbox: str, body: Any = _DATA) -> State:
    """Put a new message into an inbox of the same stack; its body is `data`, or the one given.

    It is matched like any other message, and each job that it runs is a run of its own, with its
    own log and outcome. What a run emits becomes messages when the run has succeeded, each once;
    a run that fails emits nothing. The state stays as it is.

    >>> from adaptors.common import data_value, each
    >>> operate = each("results", emit("kobo-records"))
    >>> operate = emit("visits", {"case": data_value("case_id"), "source": "nightly"})
    """
    outbox.emit(inbox, json_text.dumps(state.get("data") if body is _DATA else body))
    return state


@operation
def log(state: State, *values: Any) -> State:
    """Write values into the run's log, on one line: texts as they are, all else as JSON.

    The configuration of a state is not shown. The state stays as it is.

    >>> state = log("age:", lambda state: state["data"])({"data": {"age": 7}})
    age: {"age": 7}
    """
    print(*map(_shown, values))
    return state


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "configuration" in value:
        value = {**value, "configuration": "***"}
    return json.dumps(value, ensure_ascii=False, default=str)
