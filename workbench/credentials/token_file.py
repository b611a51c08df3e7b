"""Replaced refresh tokens of `ofn try`: they are written into the credential's file."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from openfn.jobs.token_refresh import OAUTH2, TOKENS, valid_tokens
from workbench.credentials.files import read_credential, write_credential


class TokenFile:
    """Answers what a job asks about the tokens in a file; one process at a time renews them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: IO[bytes] | None = None

    def reply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reply to a request: `lease`, `save` or `release`."""
        if request["action"] == "lease":
            return self._lease(str(request["refused"]))
        if request["action"] == "save":
            body = read_credential(self._path)
            write_credential(self._path, {**body, OAUTH2: {**body[OAUTH2], **request["tokens"]}})
        self._release()
        return {}

    def _lease(self, refused: str) -> dict[str, Any]:
        self._lock = self._path.with_suffix(".lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            return {"wait": True}
        stored = read_credential(self._path).get(OAUTH2) or {}
        if tokens := valid_tokens(stored, refused):
            self._release()
            return {"tokens": tokens}
        return {"holder": True, "tokens": {name: stored.get(name) for name in TOKENS}}

    def _release(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None
