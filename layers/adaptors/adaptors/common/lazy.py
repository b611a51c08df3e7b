"""A decorator that lets functions of values accept functions of the state."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from adaptors.absent import Absent, as_none, optional_value
from adaptors.operations import State, resolve_or_absent


def accepts_state_functions(
    function: Callable[..., Any], *, absent_is_none: bool = False
) -> Callable[..., Any]:
    """Let a function of values accept functions of the state; it then returns one itself.

    If a path among its arguments finds nothing, its result is absent too, unless it accepts `None`
    for that.

    >>> @accepts_state_functions
    ... def shout(text):
    ...     return text.upper()
    >>> shout("amina")
    'AMINA'
    >>> shout(lambda state: state["data"])({"data": "kofi"})
    'KOFI'
    """
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        signature.bind(*args, **kwargs)  # a wrong argument fails at the job's own line
        if not (_depends_on_state(args) or _depends_on_state(kwargs)):
            return function(*args, **kwargs)

        def find(state: State) -> Any:
            values = [resolve_or_absent(state, arg) for arg in args]
            named = {key: resolve_or_absent(state, arg) for key, arg in kwargs.items()}
            absent = [part for part in (*values, *named.values()) if isinstance(part, Absent)]
            if absent and not absent_is_none:
                return absent[0]
            return function(*map(as_none, values), **{key: as_none(named[key]) for key in named})

        return optional_value(find)

    return call


def _depends_on_state(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_depends_on_state, value.values()))
    if isinstance(value, list) or type(value) is tuple:
        return any(map(_depends_on_state, value))
    return callable(value) and not isinstance(value, type)
