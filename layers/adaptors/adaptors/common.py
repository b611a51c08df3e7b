"""Operations and values for every job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adaptors import jsontext, outbox
from adaptors.operations import Operation, State, Value, operation
from adaptors.paths import find, first

_DATA: Any = object()


def fn(function: Operation) -> Operation:
    """Make a function of the state an operation of the job.

    >>> fn(lambda state: {**state, "data": state["data"] * 2})({"data": 21})
    {'data': 42}
    """
    return function


def each(source: str | Value, *operations: Operation) -> Operation:
    """Apply operations to each item of a list, which is `data` meanwhile; `index` counts from 0.

    `source` is a path in the data or a function of the state; a single value counts as a list of
    one, since CommCare sends a repeat with one entry so. Afterwards `data` is the original again;
    what else the operations put on the state stays.

    >>> note = fn(lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]})
    >>> each("names[*]", note)({"data": {"names": ["Amina", "Kofi"]}})
    {'data': {'names': ['Amina', 'Kofi']}, 'seen': ['Amina', 'Kofi']}
    """

    def operate(state: State) -> State:
        data, index = state.get("data"), state.get("index")
        for number, item in enumerate(_items(state, source)):
            state = {**state, "data": item, "index": number}
            for apply in operations:
                state = apply(state)
        rest = {key: value for key, value in state.items() if key != "index"}
        return {**rest, "data": data} | ({} if index is None else {"index": index})

    return operate


@operation
def emit(state: State, inbox: str, body: Any = _DATA) -> State:
    """Put a new message into an inbox of the same stack; its body is `data`, or the one given.

    It is matched like any other message, and each job that it runs is a run of its own, with its
    own log and outcome. What a run emits becomes messages when the run has succeeded, each once;
    a run that fails emits nothing. The state stays as it is.

    >>> operate = each("results", emit("kobo-records"))
    >>> operate = emit("visits", {"case": data_value("case_id"), "source": "nightly"})
    """
    outbox.put(inbox, jsontext.write(state.get("data") if body is _DATA else body))
    return state


def data_value(path: str) -> Value:
    """Stand for the first value at a path in the data, `None` where there is none.

    >>> data_value("form.case.@case_id")({"data": {"form": {"case": {"@case_id": "7"}}}})
    '7'
    """
    return lambda state: first(state.get("data"), path)


def source_value(path: str) -> Value:
    """Stand for the first value at a path in the whole state.

    >>> source_value("request.query_params.site")({"request": {"query_params": {"site": "A"}}})
    'A'
    """
    return lambda state: first(state, path)


def last_reference_value(path: str) -> Value:
    """Stand for the first value at a path in the newest of `references`.

    >>> last_reference_value("id")({"references": [{"id": 2}, {"id": 1}]})
    2
    """
    return lambda state: first(first(state.get("references"), "[0]"), path)


def field(key: str, value: Any) -> tuple[str, Any]:
    """Pair a key with a value, for `fields`.

    >>> field("age", 7)
    ('age', 7)
    """
    return (key, value)


def fields(*pairs: tuple[str, Any]) -> dict[str, Any]:
    """Make a dict of pairs; of two with the same key the later wins.

    >>> fields(field("name", "Amina"), field("age", 7))
    {'name': 'Amina', 'age': 7}
    """
    return dict(pairs)


def to_array(value: Any) -> list[Any]:
    """Give a list as it is, nothing as an empty list, and anything else as a list of one.

    CommCare sends a repeat with one entry as an object and with more as an array.

    >>> to_array({"name": "Amina"})
    [{'name': 'Amina'}]
    """
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _items(state: State, source: str | Value) -> Iterator[Any]:
    if callable(source):
        found = source(state)
        yield from to_array(found) if found is None or isinstance(found, dict | str) else found
        return
    for value in find(state.get("data"), source):
        yield from [value] if source.endswith("[*]") else to_array(value)
