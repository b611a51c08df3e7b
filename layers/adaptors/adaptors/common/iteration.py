"""Operations on each item of a list: apply operations, make a value, group.

`map` and `group` put a new value in `data`, and the previous one at the front of `references`.
`each` restores `data` afterwards. A retry resumes at the item that failed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from adaptors._formats import paths
from adaptors._runtime.item_progress import (
    Frame,
    add_frame,
    emitted_messages,
    resumed_state,
    snapshot,
    take_frames,
)
from adaptors._runtime.state_changes import rebased
from adaptors.common.flow import apply_all, restore_data
from adaptors.common.item_errors import ItemErrors
from adaptors.common.items import Source, check_source, items
from adaptors.errors import AdaptorError
from adaptors.operations import Operation, State, Value, next_state, resolve


def each(
    source: Source, *operations: Operation, on_error: Literal["stop", "continue"] = "stop"
) -> Operation:
    """Apply operations to each item of a list; the item is `data`, its number (from 0) `index`.

    `source` is a path in the data, a path from the state (`$.data.visits[*]`), a function of the
    state, or the items themselves. A single value counts as a list of one, with and without `[*]`:
    CommCare sends a repeat with one entry like that. An empty element (`""`) is no item, and
    `values(…)` has the items of a dict. Afterwards `data` is the original again (OpenFn's `each`
    loses it); whatever else the operations add to the state stays.

    An error names the item, and a retry or a replay resumes there. (It cannot if a function applies
    this operation: then the function begins again.) With `on_error="continue"`, the other items are
    still applied, the run fails at the end and lists the items that failed, and a retry or a replay
    applies only those, each from the operation that failed.

    >>> note = lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]}
    >>> each("names[*]", note)({"data": {"names": ["Amina", "Kofi"]}})
    {'data': {'names': ['Amina', 'Kofi']}, 'seen': ['Amina', 'Kofi']}
    """
    checked = check_source(source)
    if on_error not in ("stop", "continue"):
        raise ValueError(f'on_error is "stop" or "continue", not {on_error!r}.')

    def operate(state: State) -> State:
        errors = ItemErrors(continues=on_error == "continue")
        return _apply_to_items(operate, state, checked, operations, errors)

    return operate


def map(source: Source, value: Any) -> Operation:  # noqa: A001 - OpenFn's name for it
    """Make a list with a value for each item of a list; `data` becomes the list.

    `value` is a function of the state, or a dict or list with such functions; the item is `data`,
    its number (from 0) `index`. The result of an operation is the `data` that it leaves; whatever
    else it adds to the state stays. `source` is the same as in `each`.

    >>> shout = lambda state: state["data"].upper()
    >>> map("names[*]", shout)({"data": {"names": ["Amina", "Kofi"]}})["data"]
    ['AMINA', 'KOFI']
    """
    checked = check_source(source)

    def operate(state: State) -> State:
        state, (own, _) = _own_frame(state)
        after, values = resumed_state(state, own) if own else state, own.get("values", [])
        for number, item in enumerate(items(state, checked)):
            if number < len(values):
                continue
            before, emitted = snapshot(after), emitted_messages()
            try:
                with ItemErrors().catch(number, item):
                    after, made = _make_value({**after, "data": item, "index": number}, value)
            except BaseException as error:
                frame = {"values": values, "state": before}
                add_frame(error, operate, frame, None, emitted)
                raise
            values.append(made)
        return next_state(restore_data(state, after), values)

    return operate


def group(source: Source, key: str | Value) -> Operation:
    """Group the items of a list into a dict of lists, by a key; `data` becomes the dict.

    `key` is a path in the item, or a function of the state whose `data` is the item. A key that is
    not a text is written as JSON. Items without a key are left out, and the run's log has their
    number. `source` is the same as in `each`.

    >>> people = [{"name": "Amina", "village": "Kolo"}, {"name": "Kofi", "village": "Bana"}]
    >>> group("[*]", "village")({"data": people})["data"]["Kolo"]
    [{'name': 'Amina', 'village': 'Kolo'}]
    """
    checked = check_source(source)
    if isinstance(key, str):
        paths.parse(key)

    def operate(state: State) -> State:
        groups: dict[str, list[Any]] = {}
        left_out = 0
        for item in items(state, checked):
            item_state = {**state, "data": item}
            value = paths.first(item, key) if isinstance(key, str) else resolve(item_state, key)
            if value is None:
                left_out += 1
            else:
                name = value if isinstance(value, str) else json.dumps(value, default=str)
                groups.setdefault(name, []).append(item)
        if left_out:
            print(f"group: {left_out} items have no key and are left out")
        return next_state(state, groups)

    return operate


def _apply_to_items(
    owner: Operation,
    state: State,
    source: Source,
    operations: tuple[Operation, ...],
    errors: ItemErrors,
) -> State:
    state, (own, deeper) = _own_frame(state)
    after, number, first = state, -1, own.get("item", 0)
    if failed_before := own.get("failed", {}):
        after = resumed_state(state, own)
    for number, item in enumerate(items(state, source)):
        again = failed_before.get(str(number))
        if number < first and again is None:
            continue
        item_state = {**after, "data": item, "index": number}
        frames = rebased(again, item_state) if again else deeper if number == first else ()
        errors.begin(item_state)
        try:
            with errors.catch(number, item, operations):
                after = apply_all(item_state, operations, frames)
        except BaseException as error:
            _add_item(error, owner, number, operations, errors, after)
            raise
    try:
        errors.raise_if_any()
    except AdaptorError as error:
        add_frame(error, owner, _frame(number + 1, errors, after), None, emitted_messages())
        raise
    return restore_data(state, after)


def _own_frame(state: State) -> tuple[State, tuple[Frame, Sequence[Frame]]]:
    state, frames = take_frames(state)
    return state, (frames[0], frames[1:]) if frames else ({}, ())


def _add_item(
    error: BaseException,
    owner: Operation,
    number: int,
    operations: tuple[Operation, ...],
    errors: ItemErrors,
    after: State,
) -> None:
    if not errors.continues:
        add_frame(error, owner, {"item": number}, operations, emitted_messages())
        return
    # The process is stopped: this item resumes like those that have failed.
    emitted = errors.add(number, error, operations)
    add_frame(error, owner, _frame(number + 1, errors, after), None, emitted)


def _frame(number: int, errors: ItemErrors, after: State) -> Frame:
    return {"item": number, "failed": errors.frames, "state": snapshot(after)}


def _make_value(item_state: State, value: Any) -> tuple[State, Any]:
    result = value(item_state) if callable(value) else value
    if isinstance(result, dict) and result.keys() >= item_state.keys():  # a state
        return result, result["data"]
    return item_state, resolve(item_state, result)
