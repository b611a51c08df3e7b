"""Operations for jobs: one module per system, and `common` for every job.

Nothing here depends on AWS: a job runs anywhere Python runs. An adaptor outside this repository
imports `adaptors.sdk`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec

# Names of the first release. Importing one warns, so nothing imports them to look inside.
DEPRECATED_MODULES = ("answers", "configuration", "dryrun", "jsontext", "running", "transport")


def names() -> list[str]:
    """Return the adaptors that a credential can be for: the modules that have a `Configuration`."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name for name in modules if is_adaptor(name)]


def is_adaptor(name: str) -> bool:
    """Return whether a credential can be for this name."""
    if name in DEPRECATED_MODULES or not name.isidentifier():
        return False
    exists = find_spec(f"adaptors.{name}") is not None
    return exists and hasattr(import_module(f"adaptors.{name}"), "Configuration")
