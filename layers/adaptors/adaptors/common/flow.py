"""Operations that apply other operations: in sequence, under a condition, beside the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adaptors._runtime.item_progress import (
    RESUME,
    Frame,
    add_frame,
    adopt_frames,
    emitted_messages,
    resumed_state,
    snapshot,
    take_frames,
)
from adaptors.operations import Operation, State, Value, resolve


def fn(function: Operation) -> Operation:
    """Use a function of the state as an operation.

    >>> fn(lambda state: {**state, "data": state["data"] * 2})({"data": 21})
    {'data': 42}
    """
    return function


def fn_if(condition: Any, *operations: Operation) -> Operation:
    """Apply operations if a condition (a value or a function of the state) is true.

    >>> adult = fn_if(lambda state: state["data"] >= 18, fn(lambda state: {**state, "adult": True}))
    >>> adult({"data": 30}), adult({"data": 7})
    ({'data': 30, 'adult': True}, {'data': 7})
    """

    def operate(state: State) -> State:
        # A run that resumes inside has tested the condition already.
        if RESUME in state or resolve(state, condition):
            return _apply_as(operate, state, operations)
        return state

    return operate


def combine(*operations: Operation) -> Operation:
    """Combine operations into one that applies them in order.

    >>> double = fn(lambda state: {**state, "data": state["data"] * 2})
    >>> combine(double, double)({"data": 5})
    {'data': 20}
    """

    def operate(state: State) -> State:
        return _apply_as(operate, state, operations)

    return operate


def as_(key: str | Value, *operations: Operation) -> Operation:
    """Apply operations, store their `data` under a key of the state, and restore `data`.

    >>> as_("double", fn(lambda state: {**state, "data": state["data"] * 2}))({"data": 21})
    {'data': 21, 'double': 42}
    """

    def operate(state: State) -> State:
        after = _apply_as(operate, state, operations)
        state, _ = take_frames(state)
        return {**restore_data(state, after), resolve(state, key): after.get("data")}

    return operate


def apply_all(
    state: State, operations: tuple[Operation, ...], frames: Sequence[Frame] = ()
) -> State:
    """Apply operations in order; raise TypeError if one does not return the state.

    With the frames of an earlier attempt, it begins at the operation that failed.

    >>> apply_all({"data": 1}, (fn(lambda state: {**state, "data": 2}),))
    {'data': 2}
    """
    first = frames[0]["step"] if frames else 0
    if frames:
        state = resumed_state(state, frames[0], frames[1:])
    for number, operation in enumerate(operations[first:], first):
        before, emitted = snapshot(state), emitted_messages()
        try:
            state = _require_state(operation(state))
        except BaseException as error:
            add_frame(error, operations, {"step": number, "state": before}, operation, emitted)
            raise
    return state


def _require_state(state: Any) -> State:
    if not isinstance(state, dict):
        raise TypeError(
            f"An operation inside another returned {type(state).__name__}, not the state. "
            "End its function with `return state`."
        )
    return state


def _apply_as(owner: Operation, state: State, operations: tuple[Operation, ...]) -> State:
    state, frames = take_frames(state)
    try:
        return apply_all(state, operations, frames)
    except BaseException as error:
        adopt_frames(error, owner, operations)
        raise


def restore_data(state: State, after: State) -> State:
    """Return the state after operations, with the `data` and `index` from before.

    >>> restore_data({"data": 1}, {"data": 2, "index": 0, "seen": True})
    {'data': 1, 'seen': True}
    """
    rest = {key: value for key, value in after.items() if key not in {"data", "index"}}
    return {**{key: state[key] for key in ("data", "index") if key in state}, **rest}
