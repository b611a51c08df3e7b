"""Operations: functions from state to state, and the decorator that makes them.

An adaptor writes a plain function of the state and more (`def create(state, resource, data)`).
`@operation` lets a job call it without the state. Arguments that are functions of the state, also
inside dicts, lists and tuples, are resolved just before use: `data_value("age")` may replace any
value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from adaptors.absent import Absent, as_none, call, without_absent
from adaptors.errors import ConfigurationError

State = dict[str, Any]
Operation = Callable[[State], State]
Value = Callable[[State], Any]
P = ParamSpec("P")
_REQUIRED = ("str", "int", str, int, "Mapping[str, Any]", "Mapping[str, Any] | str")
"""The types of parameters that must have a value, as annotations are written or evaluated."""


def operation(function: Callable[Concatenate[State, P], State]) -> Callable[P, Operation]:
    """Turn a function of the state and more into one that a job calls without the state.

    >>> @operation
    ... def label(state, text):
    ...     return {**state, "label": text}
    >>> label(lambda state: state["data"]["name"])({"data": {"name": "Amina"}})["label"]
    'Amina'
    """
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Operation:
        signature.bind({}, *args, **kwargs)  # a wrong argument fails at the job's own line

        def operate(state: State) -> State:
            positional: Any = [resolve_or_absent(state, value) for value in args]
            named: Any = {name: resolve_or_absent(state, value) for name, value in kwargs.items()}
            _require_texts(function.__name__, signature, positional, named)
            named = {name: as_none(value) for name, value in named.items()}
            return function(state, *map(as_none, positional), **named)

        return operate

    return call


def _require_texts(
    name: str, signature: inspect.Signature, positional: list[Any], named: dict[str, Any]
) -> None:
    """Raise ConfigurationError for a name, an id or a record that is absent."""
    parameters = list(signature.parameters.values())[1:]
    values = {**dict(zip([p.name for p in parameters], positional, strict=False)), **named}
    for parameter in parameters:
        value = values.get(parameter.name)
        if isinstance(value, Absent) and parameter.annotation in _REQUIRED:
            raise ConfigurationError(
                f"{name} needs a value for {parameter.name}, but there is none at {value.path}. "
                "Test for it first, or give the job a trigger that excludes such messages."
            )


def resolve(state: State, value: Any) -> Any:
    """Replace functions of the state by their values, inside dicts, lists and tuples too.

    Their results are resolved again. Classes, bytes and everything else stay as they are. A key
    whose path finds nothing is left out; in a list or alone, such a value is None.

    >>> resolve({"data": {"a": 1}}, {"x": lambda state: state["data"]["a"], "y": [2]})
    {'x': 1, 'y': [2]}
    """
    return as_none(resolve_or_absent(state, value))


def resolve_or_absent(state: State, value: Any) -> Any:
    """Do what `resolve` does, but return Absent for a path that finds nothing.

    >>> resolve_or_absent({}, 7)
    7
    """
    if isinstance(value, dict):
        return without_absent({key: resolve_or_absent(state, value[key]) for key in value})
    if isinstance(value, list):
        return [resolve(state, part) for part in value]
    if type(value) is tuple:  # a subclass has fields of its own
        return tuple(resolve(state, part) for part in value)
    if callable(value) and not isinstance(value, type):
        return resolve_or_absent(state, call(state, value))
    return value


def next_state(state: State, data: Any, response: State | None = None) -> State:
    """Return the state with new `data`, and the previous `data` at the front of `references`.

    `response`, if there is one, becomes `state["response"]`.

    >>> next_state({"data": 1, "references": [0]}, 2)
    {'data': 2, 'references': [1, 0]}
    """
    references = [state.get("data"), *state.get("references", [])]
    after = {**state, "data": data, "references": references}
    return after if response is None else {**after, "response": response}
