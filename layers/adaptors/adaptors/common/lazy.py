"""A decorator that lets functions of values accept functions of the state."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from adaptors.operations import State, resolve


def accepts_state_functions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of values accept functions of the state; it then returns one itself.

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

        def value(state: State) -> Any:
            return function(*resolve(state, args), **resolve(state, kwargs))

        return value

    return call


def _depends_on_state(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_depends_on_state, value.values()))
    if isinstance(value, list) or type(value) is tuple:
        return any(map(_depends_on_state, value))
    return callable(value) and not isinstance(value, type)
