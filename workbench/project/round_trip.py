"""Change project.yaml and keep its comments, its order and its quotes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PROJECT_FILE = "project.yaml"


def load(project: Path) -> Any:
    """Load project.yaml with its comments."""
    return parse((project / PROJECT_FILE).read_text("utf-8"))


def parse(text: str) -> Any:
    """Parse YAML with its comments."""
    return _yaml().load(text)


def save(project: Path, document: Any) -> None:
    """Write project.yaml with its comments."""
    text = io.StringIO()
    _yaml().dump(document, text)
    (project / PROJECT_FILE).write_text(text.getvalue(), "utf-8")


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    return yaml
