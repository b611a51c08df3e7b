"""Operations that run other operations: in sequence, under a condition, for each item.

`map` and `group` put a new value in `data`, and the previous one at the front of `references`.
`each` and `as_` restore `data` afterwards.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from adaptors._formats import paths
from adaptors.common.item_errors import ItemErrors
from adaptors.common.items import Source, check_source, items
from adaptors.operations import Operation, State, Value, next_state, resolve


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
    return lambda state: apply_all(state, operations) if resolve(state, condition) else state


def combine(*operations: Operation) -> Operation:
    """Combine operations into one that applies them in order.

    >>> double = fn(lambda state: {**state, "data": state["data"] * 2})
    >>> combine(double, double)({"data": 5})
    {'data': 20}
    """
    return lambda state: apply_all(state, operations)


def as_(key: str | Value, *operations: Operation) -> Operation:
    """Apply operations, store their `data` under a key of the state, and restore `data`.

    >>> as_("double", fn(lambda state: {**state, "data": state["data"] * 2}))({"data": 21})
    {'data': 21, 'double': 42}
    """

    def operate(state: State) -> State:
        after = apply_all(state, operations)
        return {**_restore_data(state, after), resolve(state, key): after.get("data")}

    return operate


def each(
    source: Source, *operations: Operation, on_error: Literal["stop", "continue"] = "stop"
) -> Operation:
    """Apply operations to each item of a list; the item is `data`, its number (from 0) `index`.

    `source` is a path in the data, a path from the state (`$.data.visits[*]`), a function of the
    state, or the items themselves. A single value counts as a list of one, with and without `[*]`:
    CommCare sends a repeat with one entry like that. An empty element (`""`) is no item, and
    `values(…)` has the items of a dict. Afterwards `data` is the original again (OpenFn's `each`
    loses it); whatever else the operations add to the state stays.

    An error names the item. With `on_error="continue"`, the other items are still applied, and the
    run fails at the end with the numbers of the items that failed.

    >>> note = fn(lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]})
    >>> each("names[*]", note)({"data": {"names": ["Amina", "Kofi"]}})
    {'data': {'names': ['Amina', 'Kofi']}, 'seen': ['Amina', 'Kofi']}
    """
    checked = check_source(source)
    if on_error not in ("stop", "continue"):
        raise ValueError(f'on_error is "stop" or "continue", not {on_error!r}.')

    def operate(state: State) -> State:
        after, errors = state, ItemErrors(continues=on_error == "continue")
        for number, item in enumerate(items(state, checked)):
            with errors.catch(number, item):
                after = apply_all({**after, "data": item, "index": number}, operations)
        errors.raise_if_any()
        return _restore_data(state, after)

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
        after, values = state, []
        for number, item in enumerate(items(state, checked)):
            item_state = {**after, "data": item, "index": number}
            with ItemErrors().catch(number, item):
                result = value(item_state) if callable(value) else value
                if isinstance(result, dict) and result.keys() >= item_state.keys():  # a state
                    after = result
                    values.append(after["data"])
                else:
                    values.append(resolve(item_state, result))
        return next_state(_restore_data(state, after), values)

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


def apply_all(state: State, operations: tuple[Operation, ...]) -> State:
    """Apply operations in order; raise TypeError if one does not return the state.

    >>> apply_all({"data": 1}, (fn(lambda state: {**state, "data": 2}),))
    {'data': 2}
    """
    for operation in operations:
        state = operation(state)
        if not isinstance(state, dict):
            raise TypeError(
                f"An operation inside another returned {type(state).__name__}, not the state. "
                "End its function with `return state`."
            )
    return state


def _restore_data(state: State, after: State) -> State:
    rest = {key: value for key, value in after.items() if key not in {"data", "index"}}
    return {**{key: state[key] for key in ("data", "index") if key in state}, **rest}
