"""Absent values: a path that finds nothing while the arguments of an operation are resolved.

As in OpenFn, a missing answer is left out of what is sent: `null` would erase the stored one.
Called by hand, the same function of the state returns `None`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from adaptors.errors import ConfigurationError

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What an attempt does with a path to nothing, and the paths that its log names already."""

    missing_is_null: bool
    logged_paths: set[str] = field(default_factory=set)


_attempt: ContextVar[_Attempt | None] = ContextVar("absent values", default=None)


@dataclass(frozen=True, slots=True)
class Absent:
    """What a path to nothing finds."""

    path: str


class PartialDict(dict[Any, Any]):
    """A dict without the keys whose values are absent; `absent` has their paths by key."""

    def __init__(self, present: Mapping[Any, Any], absent: Mapping[Any, str]) -> None:
        super().__init__(present)
        self.absent = absent


@contextmanager
def absent_values(*, missing_is_null: bool) -> Iterator[None]:
    """Name the paths to nothing in the log, or with `missing_is_null` use null for them."""
    token = _attempt.set(_Attempt(missing_is_null))
    try:
        yield
    finally:
        _attempt.reset(token)


def absent_keys(value: Any) -> Mapping[Any, str]:
    """Return the keys that a resolved dict lacks because a path found nothing, with the path.

    >>> absent_keys(PartialDict({"name": "Amina"}, {"phone": "form.phone"}))
    {'phone': 'form.phone'}
    """
    return value.absent if isinstance(value, PartialDict) else {}


def optional_value(find: Callable[[State], Any]) -> Callable[[State], Any]:
    """Make a value of a function that may return Absent; called by hand, it returns None then.

    >>> optional_value(lambda state: Absent("form.phone"))({}) is None
    True
    """

    def value(state: State) -> Any:
        part = find(state)
        return None if isinstance(part, Absent) else part

    vars(value)["or_absent"] = find
    return value


def call(state: State, function: Callable[[State], Any]) -> Any:
    """Return what a function of the state returns, or Absent if it is a path to nothing."""
    if (attempt := _attempt.get()) and attempt.missing_is_null:
        return function(state)
    return getattr(function, "or_absent", function)(state)


def require_present(value: Any, name: str, keys: Collection[str] | None = None) -> None:
    """Raise ConfigurationError if a dict lacks one of these keys, or any, because it is absent."""
    for key, path in absent_keys(value).items():
        if keys is None or key in keys:
            raise ConfigurationError(
                f"{name} needs a value for {key}, but there is none at {path}. Test for it first, "
                "or give the job a trigger that excludes such messages."
            )


def without_absent(parts: dict[Any, Any]) -> dict[Any, Any]:
    """Return a dict without its absent values; the run's log names their paths.

    >>> without_absent({"name": "Amina", "phone": Absent("form.phone")})
    {'name': 'Amina'}
    """
    absent = {key: part.path for key, part in parts.items() if isinstance(part, Absent)}
    if not absent:
        return parts
    for path in absent.values():
        _log(path)
    return PartialDict({key: parts[key] for key in parts if key not in absent}, absent)


def as_none(part: Any) -> Any:
    """Return None for an absent value that has no key to leave out; the run's log names its path.

    >>> as_none(Absent("form.phone")) is None, as_none(7)
    (True, 7)
    """
    if isinstance(part, Absent):
        _log(part.path)
        return None
    return part


def _log(path: str) -> None:
    attempt = _attempt.get()
    if attempt and path not in attempt.logged_paths:
        attempt.logged_paths.add(path)
        print(f"No value at {path or 'the root'}.")
