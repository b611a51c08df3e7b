"""The secret ids of inboxes: made here, shown once, kept in project.yaml as hashes only."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from workbench.errors import CommandError
from workbench.project.compiler import PROJECT_FILE, check
from workbench.project.schema.base import NAME


def add(project: Path, name: str) -> str:
    """Add an inbox to the project and give its id; the rest of the file stays as it is."""
    if name in check(project).inboxes:
        raise CommandError(
            f"there is an inbox {name} already; `ofn inbox rotate {name}` gives a new id"
        )
    if not re.fullmatch(NAME, name):
        raise CommandError(
            "a name begins with a letter or digit; then letters, digits, - and _ follow"
        )
    document = _read(project)
    inbox_id, digest = _new()
    document["inboxes"][name] = {"id_sha256": digest}
    _write(project, document)
    return inbox_id


def rotate(project: Path, name: str) -> str:
    """Give an inbox a second id, valid beside the first, and give it."""
    digests = _digests(project, name)
    if len(digests) > 1:
        raise CommandError(
            f"{name} has {len(digests)} ids already: move the source to the newest, then "
            f"`ofn inbox rotate {name} --finish` takes the older away"
        )
    inbox_id, digest = _new()
    _set(project, name, [*digests, digest])
    return inbox_id


def finish(project: Path, name: str) -> int:
    """Leave an inbox only its newest id; give how many were taken away."""
    digests = _digests(project, name)
    if len(digests) > 1:
        _set(project, name, digests[-1])
    return len(digests) - 1


def _new() -> tuple[str, str]:
    inbox_id = secrets.token_urlsafe(24)
    return inbox_id, hashlib.sha256(inbox_id.encode()).hexdigest()


def _digests(project: Path, name: str) -> list[str]:
    inboxes = check(project).inboxes
    if name not in inboxes:
        raise CommandError(f"the project has no inbox {name}; it has {', '.join(inboxes)}")
    return list(inboxes[name].id_sha256)


def _set(project: Path, name: str, digests: list[str] | str) -> None:
    document = _read(project)
    document["inboxes"][name]["id_sha256"] = digests
    _write(project, document)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    return yaml


def _read(project: Path) -> Any:
    return _yaml().load((project / PROJECT_FILE).read_text("utf-8"))


def _write(project: Path, document: Any) -> None:
    text = io.StringIO()
    _yaml().dump(document, text)
    (project / PROJECT_FILE).write_text(text.getvalue(), "utf-8")
    check(project)
