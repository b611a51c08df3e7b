"""Find the project of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.project.compiler import PROJECT_FILE


def find(start: Path) -> Path | None:
    """Return the folder with project.yaml: `start`, a folder `project` in it, or in a parent.

    The search ends at a folder of another user: its jobs would run with our permissions.
    """
    for folder in (start, *start.resolve().parents):
        if hasattr(os, "getuid") and folder.stat().st_uid not in (os.getuid(), 0):
            return None
        for candidate in (folder, folder / "project"):
            if (candidate / PROJECT_FILE).is_file():
                return candidate
    return None
