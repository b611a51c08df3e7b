"""Notice that a dict has changed without reading it.

CPython gives a dict a new version with each change. To read the versions of 200 modules takes a
seventh of the time that comparing their variables takes, which are in no cache of the processor
when a run ends. Where an interpreter has no versions, each dict counts as changed.
"""

from __future__ import annotations

import ctypes
import math
import sys
from dataclasses import dataclass
from typing import Any, Protocol

# Behind the header of each object and the number of items; `_has_versions` tries it.
_OFFSET = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)


class Version(Protocol):
    """The version of a dict; it may only be read while the dict exists."""

    @property
    def value(self) -> float:
        """The current version; equal values mean that the dict has not changed between."""


@dataclass(frozen=True, slots=True)
class _Unknown:
    value: float = math.nan
    """Equal to nothing, itself included."""


def of(variables: dict[str, Any]) -> Version:
    """Return the version of a dict."""
    return _read_from(variables) if _HAS_VERSIONS else _Unknown()


def _read_from(variables: dict[str, Any]) -> Version:
    return ctypes.c_uint64.from_address(id(variables) + _OFFSET)


def _has_versions() -> bool:
    """Try whether each kind of change, and nothing else, changes what is read."""
    is_inside = dict.__basicsize__ >= _OFFSET + ctypes.sizeof(ctypes.c_uint64)
    if sys.implementation.name != "cpython" or not is_inside:
        return False
    variables: dict[str, Any] = {"first": 1}
    version = _read_from(variables)
    seen = [version.value]
    variables["first"] = 2
    seen.append(version.value)
    variables["second"] = 3
    seen.append(version.value)
    variables |= {"first": 4}
    seen.append(version.value)
    del variables["second"]
    seen.append(version.value)
    is_changed = len(set(seen)) == len(seen)
    return is_changed and variables["first"] == variables.get("first") and version.value == seen[-1]


_HAS_VERSIONS = _has_versions()
