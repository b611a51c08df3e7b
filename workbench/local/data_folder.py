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
_CONSOLE_SECRET, _CONSOLE_URL = "console-secret", "console-url"


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
    return _secret(folder, _KEY)


def console_secret(folder: Path | None) -> str:
    """Return the secret that signs the console's links and sessions; a folder keeps it."""
    return _secret(folder, _CONSOLE_SECRET)


@contextmanager
def announcing_console(folder: Path | None, url: str) -> Iterator[None]:
    """Write the console's address into a folder, for `ofn console`, while it is served."""
    if folder is None:
        yield
        return
    path = folder / _CONSOLE_URL
    path.unlink(missing_ok=True)
    _write(path, url)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def console_url(folder: Path) -> str | None:
    """Return the address of the console that is served for a folder, if there is one."""
    try:
        return (folder / _CONSOLE_URL).read_text("utf-8")
    except FileNotFoundError:
        return None


def _secret(folder: Path | None, name: str) -> str:
    if folder is None:
        return secrets.token_urlsafe(24)
    path = folder / name
    if not path.exists():
        _write(path, secrets.token_urlsafe(24))
    return path.read_text("utf-8")


def _write(path: Path, text: str) -> None:
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(descriptor, text.encode())
        os.close(descriptor)
