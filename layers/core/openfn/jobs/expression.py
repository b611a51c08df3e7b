"""A job's expression: a Python file whose top-level calls are operations, run top to bottom.

Imports, functions and constants are just Python. A top-level call must give an operation (a
callable from state to state): it is applied when the job is executed, not when the file is loaded.
So is an operation made below a top-level `if`, `for`, `with` or `try`, where other calls are just
Python too.
"""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from openfn.errors import JobError, ProjectError
from openfn.jobs.state import State, exact

_COLLECT = "__operation__"
_SHOWN = 5_000
# What a function or a class does is its own business.
_OWN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


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
    # Dataclasses look their module up by its name.
    module = sys.modules[f"job {path.stem}"] = ModuleType(f"job {path.stem}")
    vars(module).update({"__file__": str(path), _COLLECT: partial(_collect, operations)})
    try:
        code = _compile(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ProjectError(f"{path.name} cannot be read: {error.strerror}") from None
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # a job may import a module that lies beside it
    try:
        exec(code, vars(module))
    except BaseException as error:
        raise _job_error(error, path, "loading", 1) from error
    if not operations:
        raise ProjectError(f"{path.name} has no operation: it needs a call at the top level")
    return operations


@dataclass(slots=True)
class Progress:
    """Where a job can go on: at which operation, and with which state, as JSON.

    That is the operation to apply next; or, while what an earlier one did is `pending` and would be
    lost if this one failed, that one. `state` is `None` where it has no exact form in JSON.
    """

    operation: int = 0
    state: bytes | None = None
    pending: Callable[[], bool] = lambda: False


def execute(
    operations: list[Operation], state: State, path: Path, progress: Progress | None = None
) -> State:
    """Apply operations one after the other, from that of `progress` on, which is kept up to date.

    `JobError` says where one failed.
    """
    progress = progress or Progress()
    begun = state
    for number in range(progress.operation, len(operations)):
        operation = operations[number]
        if not progress.pending():
            begun = state
            progress.operation, progress.state = number, exact(state)
        try:
            state = operation.apply(state)
            if not isinstance(state, dict):
                raise TypeError(
                    f"{operation.name} gave back {type(state).__name__}, not the state; "
                    "end the function with `return state`"
                )
        except BaseException as error:
            _keep_exact(progress, begun)
            raise _job_error(error, path, operation.name, operation.line) from error
    if progress.pending():
        _keep_exact(progress, begun)
    return state


def _keep_exact(progress: Progress, begun: State) -> None:
    if not _keys_are_text(begun):
        progress.state = None


def _keys_are_text(value: Any) -> bool:
    # JSON makes a text of any other key, without a word.
    if isinstance(value, dict):
        return all(isinstance(k, str) and _keys_are_text(part) for k, part in value.items())
    return not isinstance(value, list) or all(map(_keys_are_text, value))


def _collect(
    operations: list[Operation],
    name: str,
    line: int,
    value: Any,
    at_top: bool,  # noqa: FBT001 - given by position in the code that `_collecting` makes
) -> None:
    if callable(value):
        operations.append(Operation(name, line, value))
    elif at_top:
        raise TypeError(
            f"{name}(…) gives {type(value).__name__}, not an operation; put it inside a "
            "function of the state: fn(lambda state: …)"
        )


@cache
def _compile(path: Path, _modified: int) -> CodeType:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
        body: list[Any] = [_collecting(statement, at_top=True) for statement in tree.body]
        tree.body = body
        # dont_inherit: this file's own `from __future__` is not the job's.
        return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", str(error))
        raise ProjectError(f"{path.name}, line {line}: {message}") from None


def _collecting(node: ast.AST, *, at_top: bool) -> ast.AST:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        about = [ast.Constant(each) for each in (ast.unparse(call.func), call.lineno)]
        collect = ast.Name(_COLLECT, ast.Load())
        handed_on = ast.Call(collect, [*about, call, ast.Constant(at_top)], [])
        return ast.copy_location(ast.Expr(ast.copy_location(handed_on, call)), node)
    if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case) and not isinstance(
        node, _OWN
    ):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [_collecting(each, at_top=False) for each in value])
    return node


def _job_error(error: BaseException, path: Path, operation: str, line: int) -> JobError:
    if isinstance(error, KeyboardInterrupt):
        raise error
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path) and frame.lineno]
    message = _text(error)
    if isinstance(error, NameError) and error.name == "state":
        message += "; the state exists only inside operations: write lambda state: …"
    return JobError(
        type=type(error).__name__,
        message=message,
        operation=operation,
        line=lines[-1] if lines else line,
        verdict=getattr(error, "verdict", "author"),
        retry_after=getattr(error, "retry_after", None),
    )


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as own:
        return f"its text cannot be made: {type(own).__name__}"
    # An error that quotes the whole state must still fit beside the run's other attributes.
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
    return shown.encode("utf-8", "backslashreplace").decode()
