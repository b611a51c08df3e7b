"""Plain functions of values that may be given functions of the state instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from adaptors.operations import State, resolve


def accepts_state_functions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of values take functions of the state too: it then gives one itself.

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
    def offered(*args: Any, **kwargs: Any) -> Any:
        signature.bind(*args, **kwargs)  # a wrong argument shows where the job says it
        if not (_of_state(args) or _of_state(kwargs)):
            return function(*args, **kwargs)

        def value(state: State) -> Any:
            return function(*resolve(state, args), **resolve(state, kwargs))

        return value

    return offered


def _of_state(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_of_state, value.values()))
    if isinstance(value, list) or type(value) is tuple:
        return any(map(_of_state, value))
    return callable(value) and not isinstance(value, type)
