"""A job's expression: a Python file whose top-level calls are operations, run top to bottom.

Imports, functions and constants are just Python. A top-level call must give an operation (a
callable from state to state): it is applied when the job is executed, not when the file is loaded.
"""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from openfn.errors import JobError, ProjectError
from openfn.states import State

_COLLECT = "__operation__"


@dataclass(frozen=True, slots=True)
class Operation:
    """One top-level call of a job: its name and line, and what it does to the state."""

    name: str
    line: int
    apply: Callable[[State], Any]


def load(path: Path) -> list[Operation]:
    """Load a job afresh, so that nothing of one run is seen by the next.

    Raises `ProjectError` when the file cannot be read as Python or has no operation, and
    `JobError` when its own code fails or a top-level call gives no operation.
    """
    operations: list[Operation] = []

    def collect(name: str, line: int, value: Any) -> None:
        if not callable(value):
            raise TypeError(
                f"{name}(…) gives {type(value).__name__}, not an operation; put it inside a "
                "function of the state: fn(lambda state: …)"
            )
        operations.append(Operation(name, line, value))

    namespace = {"__name__": path.stem, "__file__": str(path), _COLLECT: collect}
    try:
        code = _compile(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ProjectError(f"{path.name} cannot be read: {error.strerror}") from None
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # a job may import a module that lies beside it
    try:
        exec(code, namespace)
    except (Exception, SystemExit) as error:
        raise _job_error(error, path, "loading", 1) from error
    if not operations:
        raise ProjectError(f"{path.name} has no operation: it needs a call at the top level")
    return operations


def execute(operations: list[Operation], state: State, path: Path) -> State:
    """Apply operations one after the other; `JobError` says where one failed."""
    for operation in operations:
        try:
            state = operation.apply(state)
            if not isinstance(state, dict):
                raise TypeError(
                    f"{operation.name} gave back {type(state).__name__}, not the state; "
                    "end the function with `return state`"
                )
        except (Exception, SystemExit) as error:
            raise _job_error(error, path, operation.name, operation.line) from error
    return state


@cache
def _compile(path: Path, _modified: int) -> CodeType:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
        tree.body = [_collecting(statement) for statement in tree.body]
        # dont_inherit: this file's own `from __future__` is not the job's.
        return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", str(error))
        raise ProjectError(f"{path.name}, line {line}: {message}") from None


def _collecting(statement: ast.stmt) -> ast.stmt:
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return statement
    call = statement.value
    name, line = ast.Constant(ast.unparse(call.func)), ast.Constant(call.lineno)
    collect = ast.Call(ast.Name(_COLLECT, ast.Load()), [name, line, call], [])
    return ast.copy_location(ast.Expr(ast.copy_location(collect, call)), statement)


def _job_error(error: BaseException, path: Path, operation: str, line: int) -> JobError:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path) and frame.lineno]
    message = str(error)
    if isinstance(error, NameError) and error.name == "state":
        message += "; the state exists only inside operations: write lambda state: …"
    return JobError(
        type=type(error).__name__,
        message=message,
        operation=operation,
        line=lines[-1] if lines else line,
        verdict=getattr(error, "verdict", "author"),
    )
