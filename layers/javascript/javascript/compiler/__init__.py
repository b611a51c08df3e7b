"""Compile a job's file: its top-level calls become operations, each with its name and line.

The compiler is JavaScript itself and runs in QuickJS, as the job does. It runs when a project is
checked and built; a worker reads what it has compiled.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from javascript.compiled_file import Compiled, parse
from javascript.engine import FIRST_LINE_OF_LIBRARY, Engine, Function
from javascript.errors import CompileError

_FOLDER = Path(__file__).parent
_FILES = (_FOLDER.parent / "vendor/acorn.js", _FOLDER / "scope.js", _FOLDER / "compile.js")
# A generated job of 20,000 lines takes about four seconds.
_SECONDS, _MEGABYTES = 60.0, 500
# A runtime is used by the thread that made it.
_local = threading.local()


def compile_job(source: str) -> Compiled:
    """Compile a job; raise CompileError if that is impossible."""
    if source.count("\n") >= FIRST_LINE_OF_LIBRARY - 1:
        raise CompileError(1, "The file has too many lines. Split the job.")
    engine, function = _compiler()
    result = json.loads(engine.call(function, source.removeprefix("\ufeff")))
    for line, message in result.get("problems", ()):
        raise CompileError(line, message)
    return parse({**result, "reads_state": result["readsState"]})


def _compiler() -> tuple[Engine, Function]:
    if not hasattr(_local, "compiler"):
        engine = Engine(lambda: _SECONDS, _MEGABYTES)
        for file in _FILES:
            engine.evaluate(file.read_text("utf-8"))
        _local.compiler = engine, engine.evaluate("compile")
    compiler: tuple[Engine, Function] = _local.compiler
    return compiler
