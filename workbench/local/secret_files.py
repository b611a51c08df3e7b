"""The secrets of a local stack: from files beside the project, or generated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from workbench.credentials.files import read_credential, write_credential
from workbench.project.compiler import check

Secrets = dict[str, dict[str, Any]]
"""The contents of secrets by name."""


def read_credentials(project: Path, directory: Path) -> Secrets:
    """Return the contents of the files of a project's credentials."""
    paths = {name: directory / f"{name}.json" for name in check(project).credentials}
    return {name: read_credential(path) for name, path in paths.items() if path.exists()}


def write_back(directory: Path, prefix: str, secret: str, text: str) -> None:
    """Write a replaced secret into the file of its credential, if it has one."""
    path = directory / f"{secret.removeprefix(prefix)}.json"
    if secret.startswith(prefix) and path.is_file():
        write_credential(path, json.loads(text))


def read_inbox_secrets(
    project: Path, directory: Path, stored: Callable[[str], dict[str, Any] | None]
) -> tuple[Secrets, Secrets]:
    """Return the secrets that inboxes refer to: those with a file, and those without.

    A secret without a file is the stored one, or else it is generated.
    """
    inboxes = check(project).inboxes.values()
    schemes = {name: scheme for inbox in inboxes for name, scheme in inbox.secret_schemes().items()}
    paths = {name: directory / f"{name}.json" for name in schemes}
    files = {name: read_credential(path) for name, path in paths.items() if path.exists()}
    generated = {
        name: stored(name) or _generate_inbox_secret(scheme)
        for name, scheme in schemes.items()
        if name not in files
    }
    return files, generated


def _generate_inbox_secret(scheme: str) -> dict[str, Any]:
    if scheme == "basic":
        return {"username": "local", "password": token_urlsafe(12)}
    return {"token" if scheme == "bearer" else "key": token_urlsafe(12)}
