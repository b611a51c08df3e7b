"""Credentials in files on this machine, for `ofn serve` and `ofn try`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import CommandError


def file_of(project: Path, name: str | None) -> Path:
    """Return the path of a credential's file in a project's folder."""
    return project / "credentials" / f"{name}.json"


def read_credential(path: Path) -> dict[str, Any]:
    """Read a credential from a file. Raises CommandError if it is not a JSON object."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    return parse_credential(content, str(path))


def parse_credential(content: bytes, source: str) -> dict[str, Any]:
    """Parse a credential's JSON. The error names the source and quotes nothing."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise CommandError(f'{source} is not a JSON object such as {{"baseUrl": "https://…"}}.')
    return body


def write_credential(path: Path, body: Mapping[str, Any]) -> None:
    """Write a credential to a file that git ignores and only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    gitignore = path.parent / ".gitignore"
    if not gitignore.exists():
        gitignore.write_text("*\n", "utf-8")
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(0o600)
    temporary.write_text(json.dumps(dict(body), indent=2, ensure_ascii=False) + "\n", "utf-8")
    temporary.replace(path)
