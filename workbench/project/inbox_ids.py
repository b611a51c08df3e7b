"""Create and remove the secret ids of inboxes. project.yaml has only their hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any

from workbench.errors import CommandError
from workbench.project import round_trip
from workbench.project.compiler import PROJECT_FILE, check
from workbench.project.references import require_known
from workbench.project.schema.base import NAME
from workbench.project.yaml_source import read_yaml


def add(project: Path, name: str) -> str:
    """Add an inbox to project.yaml and return its id. The rest of the file stays.

    A project without triggers and jobs is not valid yet, and still may have inboxes.
    """
    document = _load_or_begin(project)
    if name in _inboxes_of(project, document):
        raise CommandError(
            f"The project already has an inbox {name}. "
            f"`ofn inbox rotate {name}` creates a new id for it."
        )
    if not re.fullmatch(NAME, name):
        raise CommandError(
            f"`{name}` cannot be the name of an inbox. Begin with a letter or digit, then use only "
            "letters, digits, - and _ (at most 64)."
        )
    inbox_id, digest = create_id()
    if not document.get("inboxes"):
        document["inboxes"] = {}
    document["inboxes"][name] = {"id_sha256": digest}
    _save(project, document, is_valid=not _has_just_begun(document))
    return inbox_id


def rotate(project: Path, name: str) -> str:
    """Create and return a second id of an inbox. The first stays valid."""
    digests = _digests(project, name)
    if len(digests) > 1:
        raise CommandError(
            f"{name} already has {len(digests)} ids. Change the source to the newest URL, then "
            f"remove the older ids with `ofn inbox rotate {name} --finish`."
        )
    inbox_id, digest = create_id()
    _set_digests(project, name, [*digests, digest])
    return inbox_id


def finish(project: Path, name: str) -> int:
    """Remove all ids of an inbox but the newest, and return their number."""
    digests = _digests(project, name)
    if len(digests) > 1:
        _set_digests(project, name, digests[-1])
    return len(digests) - 1


def create_id() -> tuple[str, str]:
    """Return a new secret id and its hash."""
    inbox_id = secrets.token_urlsafe(24)
    return inbox_id, hashlib.sha256(inbox_id.encode()).hexdigest()


def _digests(project: Path, name: str) -> list[str]:
    inboxes = check(project).inboxes
    require_known("inbox", name, inboxes)
    return list(inboxes[name].id_sha256)


def _set_digests(project: Path, name: str, digests: list[str] | str) -> None:
    document = round_trip.load(project)
    document["inboxes"][name]["id_sha256"] = digests
    _save(project, document)


def _load_or_begin(project: Path) -> Any:
    if read_yaml(project / PROJECT_FILE).content is None:
        return {"name": re.sub("[^A-Za-z0-9_-]+", "-", project.resolve().name).strip("-_")}
    return round_trip.load(project)


def _inboxes_of(project: Path, document: Any) -> Collection[str]:
    if _has_just_begun(document):
        return list(document.get("inboxes") or ())
    return check(project).inboxes


def _has_just_begun(document: Any) -> bool:
    return isinstance(document, dict) and not document.get("triggers") and not document.get("jobs")


def _save(project: Path, document: Any, *, is_valid: bool = True) -> None:
    round_trip.save(project, document)
    if is_valid:
        check(project)
