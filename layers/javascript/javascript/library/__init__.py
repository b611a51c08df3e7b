"""The library of jobs, in JavaScript: what it needs is read once in a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from javascript.engine import FIRST_LINE_OF_LIBRARY

_FOLDER = Path(__file__).parent
_VENDOR = _FOLDER.parent / "vendor"
_FILES = ("runtime", "values", "dates", "csv", "common", "http", "dialects", "entry")


@cache
def prelude() -> str:
    """Return the code of a function that defines the library in a context.

    Its arguments are the dialect and `sources`.
    """
    parts = [(_FOLDER / f"{name}.js").read_text("utf-8") for name in _FILES]
    # Its lines are numbered above those of jobs: see `lineOf` in runtime.js.
    newlines = "\n" * FIRST_LINE_OF_LIBRARY
    return f"{newlines}((dialect, jsonPathCode, lodashCode) => {{\n{''.join(parts)}\n}})"


@cache
def sources() -> tuple[str, ...]:
    """Return the code of other projects that is evaluated when a job first needs it."""
    return tuple(
        (_VENDOR / f"{name}.js").read_text("utf-8") for name in ("jsonpath-plus", "lodash")
    )
