"""A credential in a file on this machine, for `ofn serve` and `ofn try`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import CommandError


def file_of(project: Path, name: str | None) -> Path:
    """Give the file of a credential in a project's folder."""
    return project / "credentials" / f"{name}.json"


def read_credential(path: Path) -> dict[str, Any]:
    """Read a credential's body from a file; `CommandError` when it is not a JSON object."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    return parsed(content, str(path))


def parsed(content: bytes, where: str) -> dict[str, Any]:
    """Read a credential's body; `CommandError`, which quotes nothing, when it is no JSON object."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CommandError(f'{where} is not a JSON object such as {{"baseUrl": "https://…"}}')
    return body


def write_credential(path: Path, body: Mapping[str, Any]) -> None:
    """Write a credential's body for its owner alone, in a folder that git ignores."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ignored = path.parent / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", "utf-8")
    whole = path.with_suffix(".new")
    whole.unlink(missing_ok=True)
    whole.touch(0o600)
    whole.write_text(json.dumps(dict(body), indent=2, ensure_ascii=False) + "\n", "utf-8")
    whole.replace(path)
