"""A job's expression: a Python file whose top-level calls are operations, run top to bottom.

Imports, functions and constants are ordinary Python. A top-level call must return an operation (a
callable from state to state), which is applied when the job executes, not when the file is loaded.
Calls inside a top-level `if`, `for`, `with` or `try` may return one; other calls there are ordinary
Python.
"""

from __future__ import annotations

import ast
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from openfn.errors import JobError, ProjectError
from openfn.jobs import exceptions
from openfn.jobs.job_file import ResumeState
from openfn.jobs.state import State, to_exact_json

# Adaptors read here where to resume inside an operation: `adaptors._runtime.item_progress`.
_RESUME = "$resume"
_COLLECT = "__operation__"
# Calls inside functions and classes are ordinary Python.
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Operation:
    """One top-level call of a job: its name, its line, and the function it returned."""

    name: str
    line: int
    apply: Callable[[State], Any]


def load(path: Path) -> list[Operation]:
    """Load a job's operations; each run loads its module again and shares nothing.

    Raises `ProjectError` when the file is not Python or has no operation, and `JobError` when its
    code fails or a top-level call returns no operation.
    """
    operations: list[Operation] = []
    # Dataclasses look their module up by its name.
    module = sys.modules[f"job {path.stem}"] = ModuleType(f"job {path.stem}")
    vars(module).update({"__file__": str(path), _COLLECT: partial(_collect, operations)})
    try:
        code = _compile(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ProjectError(f"Cannot read {path.name}: {error.strerror}.") from None
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # a job may import modules of its folder
    try:
        exec(code, vars(module))
    except BaseException as error:
        raise _job_error(error, path, "loading", 1) from error
    if not operations:
        raise ProjectError(f"{path.name} has no operation. Add a call at the top level.")
    return operations


@dataclass(slots=True)
class Progress:
    """The first operation to apply, and what is called before each one.

    `report` receives the number of the operation, and where a retry would resume: there, or at an
    earlier one while its work is pending and would be rolled back if this one failed. It receives
    `None` if that is the same as before, as it is at first.
    """

    operation: int = 0
    is_pending: Callable[[], bool] = lambda: False
    report: Callable[[int, ResumeState | None], object] = lambda _number, _resume: None
    first_state: Callable[[], State] = dict
    """Returns the state before the first operation again."""
    resume: ResumeState | None = None

    def begin(self, number: int, state: State) -> None:
        """Report that an operation begins with a state."""
        if number == self.operation or self.is_pending():
            self.report(number, None)
        else:
            self.resume = ResumeState(number, to_exact_json(state))
            self.report(number, self.resume)

    def fail(self, number: int, operation: Operation, error: BaseException) -> None:
        """Report the item at which to resume inside an operation that failed, if it has items.

        Where work is rolled back, the job resumes at the operation.
        """
        items = exceptions.attribute(error, "item_progress")
        resume_at = self.resume.operation if self.resume else self.operation
        is_other = exceptions.attribute(items, "owner") is not operation.apply
        if is_other or self.is_pending() or resume_at != number:
            return
        before: State = self.first_state()
        if self.resume:
            before = json.loads(self.resume.state or b"null")
        state = to_exact_json({**before, _RESUME: list(items.frames)}) if before else None
        if state is not None:
            self.report(number, ResumeState(number, state, items.emitted))


def execute(
    operations: Sequence[Operation], state: State, path: Path, progress: Progress | None = None
) -> State:
    """Apply operations in order, from the one in `progress`; return the state.

    Raises `JobError` with the operation and line that failed.
    """
    first = progress.operation if progress else 0
    for number, operation in enumerate(operations[first:], first):
        if progress:
            progress.begin(number, state)
        try:
            state = operation.apply(state)
            if not isinstance(state, dict):
                raise TypeError(
                    f"{operation.name} returned {type(state).__name__}, not the state. "
                    "End the function with `return state`."
                )
        except BaseException as error:
            if progress:
                progress.fail(number, operation, error)
            raise _job_error(error, path, operation.name, operation.line) from error
    return state


def _collect(
    operations: list[Operation],
    name: str,
    line: int,
    value: Any,
    at_top: bool,  # noqa: FBT001 - `_collect_calls` generates a call by position
) -> None:
    if callable(value):
        operations.append(Operation(name, line, value))
    elif at_top:
        raise TypeError(
            f"{name}(…) returned {type(value).__name__}, not an operation. Put the call inside a "
            "function of the state: fn(lambda state: …)."
        )


@cache
def _compile(path: Path, _modified: int) -> CodeType:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
        body: list[Any] = [_collect_calls(statement, at_top=True) for statement in tree.body]
        tree.body = body
        # dont_inherit: this file's own `from __future__` is not the job's.
        return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", str(error))
        raise ProjectError(f"{path.name}, line {line}: {message}.") from None


def _collect_calls(node: ast.AST, *, at_top: bool) -> ast.AST:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        name, line = ast.Constant(ast.unparse(call.func)), ast.Constant(call.lineno)
        collect = ast.Name(_COLLECT, ast.Load())
        wrapped = ast.Call(collect, [name, line, call, ast.Constant(at_top)], [])
        return ast.copy_location(ast.Expr(ast.copy_location(wrapped, call)), node)
    if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case) and not isinstance(
        node, _SCOPES
    ):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, field, [_collect_calls(child, at_top=False) for child in value])
    return node


def _job_error(error: BaseException, path: Path, operation: str, line: int) -> JobError:
    if exceptions.is_ctrl_c(error):
        raise error
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path) and frame.lineno]
    # An error of a JavaScript job has no frame of its file.
    own = exceptions.attribute(error, "job_line") or (lines[-1] if lines else line)
    described = exceptions.job_error(error, operation, own)
    if isinstance(error, NameError) and error.name == "state":
        described.message += ". The state exists only inside operations: write lambda state: …"
    return described
