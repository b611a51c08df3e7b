"""What a job may say: one module per system, and `common` for every job.

Nothing here knows of AWS: a job runs anywhere Python runs.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec


def names() -> list[str]:
    """Give the adaptors that a credential can be for: the modules that have a `Configuration`."""
    found = sorted(each.name for each in pkgutil.iter_modules(__path__))
    return [name for name in found if is_adaptor(name)]


def is_adaptor(name: str) -> bool:
    """Tell whether a credential can be for this name."""
    there = name.isidentifier() and find_spec(f"adaptors.{name}") is not None
    return there and hasattr(import_module(f"adaptors.{name}"), "Configuration")
