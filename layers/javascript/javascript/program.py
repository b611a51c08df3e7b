"""A job in JavaScript: its operations, applied to a state that stays in the engine.

The engine is made when the first operation is applied, because a job may read the state while its
file is loaded.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from adaptors._runtime import dry_run
from javascript import answers, compiled_file, dialects, library
from javascript.compiled_file import Compiled
from javascript.dialects import Dialect
from javascript.engine import Engine, Function
from javascript.errors import CompileError, OutOfTime, ScriptError, script_error

__all__ = ["CompileError", "Limits", "OutOfTime", "Program", "load", "names"]
State = dict[str, Any]
# In a state at which a retry resumes: the state with which the file was loaded, if it reads it.
_LOADED = "$loaded"
_CONFIGURATION = "configuration"
_STUCK = (
    "The operation never ends: it awaits a promise that nothing resolves. Does every path of the "
    "function call `resolve` or `reject`?"
)
# Where no memory is left for an error, QuickJS throws null.
_NO_MEMORY = {("InternalError", "out of memory"), ("Error", "The job threw null.")}
_IMPORTED = re.compile(r'__import\("@openfn/(?:language-)?([a-z0-9-]+)')
_REPLACED = "The job has replaced functions of JavaScript that its runtime needs."


class _Entry(NamedTuple):
    """The functions of `library/entry.js`."""

    begin: Function
    load: Function
    apply: Function
    report: Function
    settle: Function
    fire: Function
    text: Function
    names: Function


@dataclass(frozen=True, slots=True)
class Limits:
    """The time and the memory of a job."""

    seconds_left: Callable[[], float]
    megabytes: int


def load(path: Path, adaptor: str, limits: Limits) -> Program:
    """Load a job's file, or what the build has compiled of it, for one attempt.

    Raises CompileError for a file that is no job, and OSError if it cannot be read.
    """
    return Program(compiled_file.read(path), dialects.parse(adaptor), limits)


def names(dialect: Dialect) -> frozenset[str]:
    """Return the names that a job of a dialect may use."""
    engine = Engine(lambda: 10.0, 100)
    entry = _enter(engine, dialect)
    return frozenset(json.loads(engine.call(entry.names)))


class Program:
    """The operations of a job, for one attempt at it."""

    def __init__(self, compiled: Compiled, dialect: Dialect, limits: Limits) -> None:
        self._compiled, self._dialect, self._limits = compiled, dialect, limits
        self._loaded: str | None = None
        self._final = ""
        self._errors: dict[int, Exception] = {}

    @property
    def operations(self) -> Sequence[tuple[str, int]]:
        """The names and lines of the operations."""
        return self._compiled.operations

    def begin(self, state: State) -> None:
        """Take a state, and load the job's file."""
        configuration = json.dumps(state.get(_CONFIGURATION, {}))
        own = {key: state[key] for key in state if key not in (_CONFIGURATION, _LOADED)}
        loaded, text = json.dumps(state.get(_LOADED, own)), json.dumps(own)
        self._loaded = loaded if self._compiled.reads_state else None
        self._engine = Engine(self._limits.seconds_left, self._limits.megabytes)
        self._entry = _enter(self._engine, self._dialect, self._compiled.code)
        self._call(self._entry.begin, loaded, configuration)
        run = self._engine.evaluate(f"(async function () {{{self._compiled.code}\n}})")
        self._call(self._entry.load, run)
        self._finish()
        if _LOADED in state:
            self._call(self._entry.begin, text, configuration)

    def apply(self, number: int) -> None:
        """Apply an operation to the state."""
        self._call(self._entry.apply, number)
        self._finish()
        if number == len(self.operations) - 1:
            # A state that cannot be written is an error of this operation.
            self._final = str(self._call(self._entry.text, False))  # noqa: FBT003 - not Python's

    def to_json(self) -> str:
        """Return the final state as JSON, without its configuration."""
        return self._final

    def to_exact_json(self) -> str | None:
        """Return the state as JSON with which `begin` makes the same state; None if impossible."""
        text: str | None = self._call(self._entry.text, True)  # noqa: FBT003 - not Python's
        if text is None or self._loaded is None:
            return text
        return f'{{"{_LOADED}":{self._loaded}{"," if text != "{}" else ""}{text[1:]}'

    def _call(self, function: Function, *arguments: Any) -> Any:
        return self._engine.call(function, *arguments)

    def _finish(self) -> None:
        """Answer questions and run timers until what was started has ended."""
        try:
            while not (report := self._step()).get("result") or report["questions"]:
                self._serve(report)
        except Exception:
            self._print_rest()
            raise
        if not report["result"].get("ok"):
            raise self._error(report["result"])
        if report["rejected"]:
            raise self._error(report["rejected"][0])

    def _step(self) -> dict[str, Any]:
        self._engine.run_pending()
        try:
            report: dict[str, Any] = json.loads(self._call(self._entry.report))
        except ValueError:
            raise ScriptError(_REPLACED) from None
        for line in report["lines"]:
            print(line)
        return report

    def _serve(self, report: dict[str, Any]) -> None:
        for number, name, values, line in report["questions"]:
            self._answer(number, name, values, line)
        if report["questions"]:
            return
        if report["wait"] is None:
            raise ScriptError(_STUCK)
        if not dry_run.is_active():
            time.sleep(max(0, min(report["wait"] / 1000, self._limits.seconds_left())))
        self._call(self._entry.fire)

    def _answer(self, number: int, name: str, values: list[Any], line: int) -> None:
        try:
            content = json.dumps(answers.answer(name, values), default=answers.to_plain)
        except MemoryError:
            raise
        except Exception as error:
            vars(error)["job_line"] = line
            self._errors[number] = error.with_traceback(None)  # its frames refer to this object
            described = json.dumps({**answers.describe(error), "line": line})
            self._call(self._entry.settle, number, False, described)  # noqa: FBT003 - not Python's
        else:
            self._call(self._entry.settle, number, True, content)  # noqa: FBT003 - not Python's

    def _error(self, described: dict[str, Any]) -> Exception:
        """Return the error of an adaptor, if it was thrown as it is, or else the job's."""
        own = (described["name"], described["message"])
        if own in _NO_MEMORY:
            return MemoryError()
        return self._errors.get(described.get("question", 0)) or script_error(described)

    def _print_rest(self) -> None:
        """Print what the job has printed before it was stopped."""
        try:
            for line in json.loads(self._engine.call_after_the_end(self._entry.report))["lines"]:
                print(line)
        except Exception:
            return  # no time or memory is left for it


def _enter(engine: Engine, dialect: Dialect, code: str = "") -> _Entry:
    imported = set(_IMPORTED.findall(code)) & set(dialects.ADAPTORS)
    define = engine.evaluate(library.prelude(frozenset({dialect.adaptor, *imported})))
    functions = engine.call(define, dialect.to_json(), *library.sources())
    return _Entry(*engine.items(functions, len(_Entry._fields)))
