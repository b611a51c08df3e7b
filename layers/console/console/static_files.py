"""The style sheet, the script and the icon; their addresses change with their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PREFIX = "/s/"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that browsers keep."""

    content: str
    content_type: str
    url: str


@cache
def load(name: str) -> StaticFile:
    """Load a file of the folder `static`."""
    path = _FOLDER / name
    content = path.read_text("utf-8")
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    return StaticFile(content, _TYPES[path.suffix], f"{PREFIX}{digest}/{name}")


def find(name: str) -> StaticFile | None:
    """Return the file of this name, if there is one."""
    return load(name) if name in {path.name for path in _FOLDER.iterdir()} else None
