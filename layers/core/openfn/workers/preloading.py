"""Import in the zygote what the project's jobs import, so that no worker does it again.

That includes the libraries that adaptors import only when a job needs them: those of the operations
whose names the project's jobs contain, and no others.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from openfn.jobs import javascript
from openfn.jobs.runtime import JobRuntime
from openfn.workers import linux

_NEVER = {"boto3", "botocore"}


def import_modules(runtime: JobRuntime, project: str, leave_out: Collection[str]) -> str | None:
    """Import the adaptors of the project's credentials, and the libraries that its jobs need.

    Returns the first module that starts a thread, which must be left out.
    """
    for name in dict.fromkeys(_module_names(runtime, Path(project))):
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


def _module_names(runtime: JobRuntime, project: Path) -> Iterator[str]:
    compiled, sources = read_project(project), _Sources()
    adaptors = sorted({credential["adaptor"] for credential in compiled["credentials"].values()})
    for path in sorted({project / job["expression"] for job in compiled["jobs"].values()}):
        if path.suffix == javascript.SUFFIX:
            sources.imports[javascript.MODULE] = None
        else:
            sources.add(path)
    yield from (f"adaptors.{name}" for name in adaptors)
    yield from sources.imports
    yield from runtime.late_imports(adaptors, sources.names, sources.texts)


@dataclass(frozen=True, slots=True)
class _Sources:
    """What jobs and the modules beside them contain."""

    imports: dict[str, None] = field(default_factory=dict)
    """The modules that they import, in order, except those beside them."""
    names: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    _files: set[Path] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """Add a file, and the modules beside it that it imports; leave out one with an error."""
        if path in self._files:
            return
        self._files.add(path)
        with suppress(OSError, SyntaxError, ValueError, RecursionError):
            tree = ast.parse(path.read_bytes())
            self._add_names(tree)
            for name in _imported(tree):
                self._add_import(path.parent, name)

    def _add_names(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                self.names.add(node.id)
            elif isinstance(node, ast.Attribute):
                self.names.add(node.attr)
            elif isinstance(node, ast.alias):
                self.names.add(node.name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.texts.add(node.value)

    def _add_import(self, folder: Path, name: str) -> None:
        top = name.partition(".")[0]
        if (folder / f"{top}.py").exists():
            self.add(folder / f"{top}.py")
        elif (folder / top).is_dir():
            for path in sorted((folder / top).rglob("*.py")):
                self.add(path)
        elif top not in _NEVER:
            self.imports[name] = None


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that the top level of a file imports."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
