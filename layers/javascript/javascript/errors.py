"""What a job in JavaScript raises.

Whatever executes a job reads `job_line`, the line of the author's file, and the name of the class,
which is that of the JavaScript error. Errors of adaptors are raised as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any


class ScriptError(Exception):
    """An error of the job's code; its class has the name of the JavaScript error."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.job_line = line


@dataclass(slots=True)
class CompileError(Exception):
    """A job's file is wrong; `line` says where."""

    line: int
    message: str

    def __str__(self) -> str:
        return self.message


class OutOfTime(Exception):
    """The time limit is over."""


@cache
def _error_class(name: str) -> type[ScriptError]:
    return type(name, (ScriptError,), {})


def script_error(described: dict[str, Any]) -> ScriptError:
    """Return the error that the library's `describe` has described."""
    name = str(described["name"])
    if not name.isidentifier():
        name = "Error"
    return _error_class(name)(str(described["message"]), int(described["line"]))
