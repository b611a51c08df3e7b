"""The library of jobs, in JavaScript: its files are read once in a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from javascript.engine import FIRST_LINE_OF_LIBRARY

_FOLDER = Path(__file__).parent
_VENDOR = _FOLDER.parent / "vendor"
_COMMON = ("runtime", "values", "dates", "csv", "common", "placing", "http")
_FILES = {"commcare": "forms", "kobotoolbox": "forms"}
_END = ("dialects", "entry")


@cache
def prelude(adaptors: frozenset[str]) -> str:
    """Return the code of a function that defines the library, with some adaptors, in a context.

    Its arguments are the dialect and `sources`.
    """
    files = {_FILES.get(name, name) for name in adaptors} - set(_COMMON)
    names = (*_COMMON, *sorted(files), *_END)
    parts = [(_FOLDER / f"{name}.js").read_text("utf-8") for name in names]
    # Its lines are numbered above those of jobs: see `lineOf` in runtime.js.
    newlines = "\n" * FIRST_LINE_OF_LIBRARY
    return f"{newlines}((dialect, jsonPathCode, lodashCode) => {{\n{''.join(parts)}\n}})"


@cache
def sources() -> tuple[str, ...]:
    """Return the code of other projects that is evaluated when a job first needs it."""
    return tuple(
        (_VENDOR / f"{name}.js").read_text("utf-8") for name in ("jsonpath-plus", "lodash")
    )
