"""Import in the zygote what the project's jobs import, so that no worker does it again."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from openfn.workers import linux

_NEVER = {"boto3", "botocore"}


def import_modules(project: str, leave_out: Collection[str]) -> str | None:
    """Import the adaptors of the project's credentials, and the libraries that its jobs name.

    Returns the first module that starts a thread, which must be left out.
    """
    for name in dict.fromkeys(_module_names(Path(project))):
        if name not in leave_out:
            # A job that imports a module which fails has its own error when it is loaded.
            with suppress(Exception):
                import_module(name)
            if linux.count_threads() > 1:
                return name
    return None


def read_project(project: str | Path) -> dict[str, Any]:
    """Return the compiled project as stored, without what only the supervisor needs of it."""
    compiled: dict[str, Any] = {"credentials": {}, "jobs": {}}
    with suppress(OSError, ValueError):
        compiled |= json.loads(Path(project, "project.json").read_text("utf-8"))
    return compiled


def _module_names(project: Path) -> Iterator[str]:
    compiled = read_project(project)
    for credential in compiled["credentials"].values():
        yield f"adaptors.{credential['adaptor']}"
    for path in sorted({project / job["expression"] for job in compiled["jobs"].values()}):
        with suppress(OSError, SyntaxError, ValueError):
            yield from _imports(path)


def _imports(path: Path) -> Iterator[str]:
    """Yield the modules that a job imports, except those beside it."""
    for node in ast.parse(path.read_bytes()).body:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            own = (path.parent / f"{top}.py", path.parent / top)
            if top not in _NEVER and not any(file.exists() for file in own):
                yield name
