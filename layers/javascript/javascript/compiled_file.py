"""A compiled job, and the file beside the job's own in which the build writes it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_SUFFIX = ".compiled"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled job. `names` are the names that it uses and does not define, with a line each."""

    code: str
    operations: tuple[tuple[str, int], ...]
    names: tuple[tuple[str, int], ...]
    reads_state: bool
    """Whether it reads the state while its file is loaded."""

    def to_json(self) -> str:
        """Return it as `parse` reads it."""
        return json.dumps(asdict(self))


def parse(raw: dict[str, Any]) -> Compiled:
    """Return a compiled job from its JSON."""
    operations, names = (tuple(map(tuple, raw[key])) for key in ("operations", "names"))
    return Compiled(raw["code"], operations, names, raw["reads_state"])


def write(path: Path, compiled: Compiled) -> None:
    """Write a compiled job beside the job's own file."""
    _beside(path).write_text(compiled.to_json(), "utf-8")


def read(path: Path) -> Compiled:
    """Return a compiled job; compile it if the build has not.

    Raises CompileError for a file that is no job, and OSError if it cannot be read.
    """
    file = _beside(path)
    is_built = file.is_file()
    return _read(file if is_built else path, (file if is_built else path).stat().st_mtime_ns)


@cache
def _read(path: Path, _modified: int) -> Compiled:
    text = path.read_text("utf-8")
    if path.suffix == _SUFFIX:
        return parse(json.loads(text))
    # A worker never compiles, and the layer has no compiler.
    compiled: Compiled = import_module("javascript.compiler").compile_job(text)
    return compiled


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}{_SUFFIX}")
