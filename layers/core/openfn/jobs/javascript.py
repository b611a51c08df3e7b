"""A job's expression in JavaScript: its operations, executed by the JavaScript runtime.

The runtime is in a layer of its own, which only a project with such a job has, and is imported when
the first one is loaded.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from openfn.errors import ProjectError
from openfn.jobs import timeout
from openfn.jobs.expression import Operation
from openfn.jobs.job_file import JobFile
from openfn.jobs.state import EngineState, State

SUFFIX = ".js"
MODULE = "javascript.program"
"""The module of the runtime that this one uses."""
# A run without a limit is one on an author's machine, where nothing else would stop a loop.
_MAX_SECONDS = 300.0


def load(job: JobFile) -> list[Operation]:
    """Load a job's operations, for one attempt.

    Raises `ProjectError` when the file is not JavaScript or cannot be read.
    """
    runtime, path = import_module(MODULE), job.expression
    limits = runtime.Limits(_seconds_left, job.megabytes)
    try:
        program = runtime.load(path, job.dialect, limits)
    except runtime.CompileError as error:
        raise ProjectError(f"{path.name}, line {error.line}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ProjectError(f"Cannot read {path.name}: {reason}.") from None
    script = _Script(program, runtime.OutOfTime)
    return [
        Operation(name, line, partial(script.apply, number))
        for number, (name, line) in enumerate(program.operations)
    ]


class _Script:
    """Applies the operations of a program, in which the state stays between them."""

    def __init__(self, program: Any, out_of_time: type[Exception]) -> None:
        self._program, self._out_of_time = program, out_of_time
        # Nothing here refers to itself: an engine is freed when its attempt ends, without the
        # garbage collector.
        self._state = EngineState(program.to_json, program.to_exact_json)
        self._has_begun = False

    def apply(self, number: int, state: State) -> State:
        """Apply an operation to the state in the program, or first to the one that is passed."""
        try:
            if state is not self._state or not self._has_begun:
                self._program.begin(state)
            self._has_begun = True
            self._program.apply(number)
        except self._out_of_time:
            raise timeout.TimedOut from None
        return self._state


def _seconds_left() -> float:
    return min(timeout.seconds_left(), _MAX_SECONDS)
