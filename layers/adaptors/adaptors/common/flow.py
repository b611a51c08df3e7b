"""Operations made of operations: in a row, under a condition, for each item of a list.

What puts something new in `data` (`map`, `group`) puts the data before it at the front of
`references`; what only looks at something else meanwhile (`each`, `as_`) gives `data` back.
"""

from __future__ import annotations

import json
from typing import Any

from adaptors._formats import paths
from adaptors.common.items import Source, checked, items
from adaptors.operations import Operation, State, Value, next_state, resolve


def fn(function: Operation) -> Operation:
    """Make a function of the state an operation of the job.

    >>> fn(lambda state: {**state, "data": state["data"] * 2})({"data": 21})
    {'data': 42}
    """
    return function


def fn_if(condition: Any, *operations: Operation) -> Operation:
    """Apply operations where a condition holds, a value or a function of the state.

    >>> adult = fn_if(lambda state: state["data"] >= 18, fn(lambda state: {**state, "adult": True}))
    >>> adult({"data": 30}), adult({"data": 7})
    ({'data': 30, 'adult': True}, {'data': 7})
    """
    return lambda state: applied(state, operations) if resolve(state, condition) else state


def combine(*operations: Operation) -> Operation:
    """Make one operation of several, each applied to the state the one before it left.

    >>> double = fn(lambda state: {**state, "data": state["data"] * 2})
    >>> combine(double, double)({"data": 5})
    {'data': 20}
    """
    return lambda state: applied(state, operations)


def as_(key: str | Value, *operations: Operation) -> Operation:
    """Apply operations, keep the data they leave under a key of the state, and give `data` back.

    >>> as_("double", fn(lambda state: {**state, "data": state["data"] * 2}))({"data": 21})
    {'data': 21, 'double': 42}
    """

    def operate(state: State) -> State:
        after = applied(state, operations)
        return {**_given_back(state, after), resolve(state, key): after.get("data")}

    return operate


def each(source: Source, *operations: Operation) -> Operation:
    """Apply operations to each item of a list, which is `data` meanwhile; `index` counts from 0.

    `source` is a path in the data, a path from the whole state (`$.data.visits[*]`), a function of
    the state, or the items themselves; a single value counts as a list of one, since CommCare sends
    a repeat with one entry so. Afterwards `data` is the original again (OpenFn's `each` loses it);
    what else the operations put on the state stays.

    >>> note = fn(lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]})
    >>> each("names[*]", note)({"data": {"names": ["Amina", "Kofi"]}})
    {'data': {'names': ['Amina', 'Kofi']}, 'seen': ['Amina', 'Kofi']}
    """
    given = checked(source)

    def operate(state: State) -> State:
        after = state
        for number, item in enumerate(items(state, given)):
            after = applied({**after, "data": item, "index": number}, operations)
        return _given_back(state, after)

    return operate


def map(source: Source, value: Any) -> Operation:  # noqa: A001 - OpenFn's name for it
    """Make a list of a value for each item of a list; `data` becomes the list.

    The value is a function of the state, or a dict or list holding such; the item is `data`
    meanwhile, and `index` counts from 0. An operation counts by the `data` it leaves; what else it
    puts on the state stays. The source is what it is for `each`.

    >>> shout = lambda state: state["data"].upper()
    >>> map("names[*]", shout)({"data": {"names": ["Amina", "Kofi"]}})["data"]
    ['AMINA', 'KOFI']
    """
    given = checked(source)

    def operate(state: State) -> State:
        after, made = state, []
        for number, item in enumerate(items(state, given)):
            meanwhile = {**after, "data": item, "index": number}
            result = value(meanwhile) if callable(value) else value
            if isinstance(result, dict) and result.keys() >= meanwhile.keys():  # a state
                after = result
                made.append(after["data"])
            else:
                made.append(resolve(meanwhile, result))
        return next_state(_given_back(state, after), made)

    return operate


def group(source: Source, key: str | Value) -> Operation:
    """Sort the items of a list into a dict of lists, by what each has at a path.

    `key` is a path in the item, or a function of the state whose `data` is the item; a key that is
    no text is written as JSON. Items without it are left out, and the run's log says how many. The
    dict becomes `data`. The source is what it is for `each`.

    >>> people = [{"name": "Amina", "village": "Kolo"}, {"name": "Kofi", "village": "Bana"}]
    >>> group("[*]", "village")({"data": people})["data"]["Kolo"]
    [{'name': 'Amina', 'village': 'Kolo'}]
    """
    given = checked(source)
    if isinstance(key, str):
        paths.parse(key)

    def operate(state: State) -> State:
        groups: dict[str, list[Any]] = {}
        left_out = 0
        for item in items(state, given):
            of_item = {**state, "data": item}
            found = paths.first(item, key) if isinstance(key, str) else resolve(of_item, key)
            if found is None:
                left_out += 1
            else:
                name = found if isinstance(found, str) else json.dumps(found, default=str)
                groups.setdefault(name, []).append(item)
        if left_out:
            print(f"group: {left_out} of the items have no key and are left out")
        return next_state(state, groups)

    return operate


def applied(state: State, operations: tuple[Operation, ...]) -> State:
    """Apply operations one after the other; `TypeError` where one does not give the state back.

    >>> applied({"data": 1}, (fn(lambda state: {**state, "data": 2}),))
    {'data': 2}
    """
    for operation in operations:
        state = operation(state)
        if not isinstance(state, dict):
            raise TypeError(
                f"an operation inside another gave back {type(state).__name__}, not the state; "
                "end its function with `return state`"
            )
    return state


def _given_back(state: State, after: State) -> State:
    rest = {key: value for key, value in after.items() if key not in {"data", "index"}}
    return {**{key: state[key] for key in ("data", "index") if key in state}, **rest}
