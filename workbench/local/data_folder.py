"""The folder in which a local stack stores its data, used by one `ofn serve` at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import CommandError

_LOCK, _KEY, _GITIGNORE = "lock", "aws-key", ".gitignore"


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Create a folder that only this user can read, and lock it; raise CommandError if in use."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write(folder / _GITIGNORE, "*\n")
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CommandError(
            f"Another `ofn serve` uses the data in {folder}. Stop it, or choose another folder "
            "with --data."
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


def aws_key(folder: Path | None) -> str:
    """Return the key that signs calls to the AWS port; a folder keeps its key."""
    if folder is None:
        return secrets.token_urlsafe(24)
    path = folder / _KEY
    if not path.exists():
        _write(path, secrets.token_urlsafe(24))
    return path.read_text("utf-8")


def _write(path: Path, text: str) -> None:
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(descriptor, text.encode())
        os.close(descriptor)
