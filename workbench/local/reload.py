"""Load a project again when one of its files was saved."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_SECONDS = 0.4
_SUFFIXES = {".yaml", ".yml", ".json", ".py", ".js"}
Files = dict[Path, tuple[int, int]]


@contextmanager
def watching(folders: Sequence[Path], on_change: Callable[[], None]) -> Iterator[None]:
    """Call `on_change` in the background after files below some folders were saved."""
    stop = threading.Event()

    def loop() -> None:
        seen = _files(folders)
        while not stop.wait(_SECONDS):
            files = _files(folders)
            if files != seen:
                seen = files
                on_change()

    thread = threading.Thread(target=loop, name="reload", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _files(folders: Sequence[Path]) -> Files:
    files: Files = {}
    for folder in folders:
        for directory, names, file_names in os.walk(folder):
            names[:] = [name for name in names if not name.startswith((".", "__pycache__"))]
            for name in file_names:
                path = Path(directory, name)
                if path.suffix in _SUFFIXES:
                    _add(files, path)
    return files


def _add(files: Files, path: Path) -> None:
    try:
        status = path.stat()
    except OSError:
        return  # it is being replaced
    files[path] = (status.st_mtime_ns, status.st_size)
