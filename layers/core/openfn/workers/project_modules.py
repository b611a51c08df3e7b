"""Load the modules that jobs import from beside them: anew for each run, but compiled once.

A run must not see the globals of the run before it, so its worker forgets the project's modules.
Their compiled code holds no state and is used again until the file changes.
"""

from __future__ import annotations

import sys
from importlib import machinery
from importlib.abc import PathEntryFinder
from pathlib import Path
from types import CodeType

_code: dict[str, tuple[int, CodeType]] = {}
"""By path: when the file was modified, and its code."""


def keep_code(project: str) -> None:
    """Let this process and its forks keep the code of modules below the project's folder."""
    hook = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (_Loader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    folder = Path(project).resolve()

    def find_in_project(path: str) -> PathEntryFinder:
        if not Path(path).resolve().is_relative_to(folder):
            raise ImportError(path)  # the next hook is for it
        return hook(path)

    sys.path_hooks.insert(0, find_in_project)
    sys.path_importer_cache.clear()


class _Loader(machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a module, compiled if its file was not or has changed since."""
        path = self.get_filename(fullname)
        modified = Path(path).stat().st_mtime_ns
        if path not in _code or _code[path][0] != modified:
            _code[path] = modified, self.source_to_code(self.get_data(path), path)
        return _code[path][1]
