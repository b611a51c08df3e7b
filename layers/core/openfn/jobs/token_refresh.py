"""Refresh tokens that rotate: one run at a time renews them, and the new ones are stored.

The worker requests tokens from the destination's server, and the supervisor, which has AWS, stores
them. A worker asks for a lease first. With the lease it gets the stored refresh token; without it
the tokens that another run has just stored, or nothing yet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from openfn.errors import ConditionFailed, ProjectError, Verdict
from openfn.messages.store import expires_at
from openfn.storage import aws, secrets, table
from openfn.storage.aws import Setting

OAUTH2 = "oauth2"
TOKENS = ("refresh_token", "access_token", "expires_at")
_unsaved_leases: dict[str, str] = {}
"""The holders of the leases of credentials whose new tokens are in this process only."""
_LEASE_SECONDS = 60
# While the new tokens are in this process only, nobody else may use the old refresh token.
_UNSAVED_SECONDS = 900
_UNSAVED = (
    "The server has replaced the refresh token of the credential {name}, and the new one could not "
    "be stored ({code}). This runner remembers it and stores it with its next run. Check that the "
    "runner may write the secret: deploy `refresh: true` and run `ofn credential set {name}`. If "
    "runs fail with invalid_grant, sign in again and set the new refresh token."
)
_NOT_WRITABLE = (
    "The refresh token of the credential {name} was not used, because a new one could not be "
    "stored ({code}). Check that the runner may write the secret: deploy `refresh: true` and run "
    "`ofn credential set {name}`."
)
_NOT_ALLOWED = (
    "The credential {name} has a refresh token, which the server may replace. Write "
    "`refresh: true` below {name} in project.yaml, deploy, and run `ofn credential set {name}`."
)


@dataclass(slots=True)
class TokenRefresh:
    """Answers what the worker of one run asks about the tokens of its credential."""

    name: str
    is_allowed: bool
    _holder: str = field(default_factory=lambda: uuid4().hex)
    _is_holding: bool = False

    def reply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reply to a request; one with an `error` also has its verdict."""
        if not self.is_allowed:
            return _error(_NOT_ALLOWED.format(name=self.name), Verdict.AUTHOR)
        try:
            if request["action"] == "lease":
                return self._lease(str(request["refused"]))
            if request["action"] == "save":
                return self._save(request["tokens"])
            self._release()
        except ProjectError as error:
            return _error(str(error), Verdict.AUTHOR)
        except aws.AWSError as error:
            message = f"The tokens of the credential {self.name} cannot be renewed ({error.code})."
            return _error(message, Verdict.RETRYABLE)
        return {}

    def save_again(self) -> None:
        """Store tokens that could not be stored before, and give their lease back."""
        if self.name in _unsaved_leases and secrets.save_again(self._secret):
            self._holder = _unsaved_leases.pop(self.name)
            self._release()

    def close(self) -> None:
        """Give a lease back with which the worker has ended, so that no other run waits for it."""
        if self._is_holding:
            with suppress(aws.AWSError):
                self._release()

    def _lease(self, refused: str) -> dict[str, Any]:
        if not self._acquire():
            return {"wait": True}
        body = secrets.read(self._secret, 0)
        stored = body.get(OAUTH2) or {}
        if tokens := valid_tokens(stored, refused):
            self._release()
            return {"tokens": tokens}
        # The old refresh token may be used once only: first try whether a new one can be stored.
        try:
            secrets.require_writable(self._secret, body)
        except aws.AWSError as error:
            self._release()
            message = _NOT_WRITABLE.format(name=self.name, code=error.code)
            return _error(message, Verdict.RETRYABLE)
        return {"holder": True, "tokens": {name: stored.get(name) for name in TOKENS}}

    def _save(self, tokens: Mapping[str, Any]) -> dict[str, Any]:
        body = secrets.read(self._secret)
        new = {name: value for name, value in tokens.items() if name in TOKENS}
        try:
            secrets.write(self._secret, {**body, OAUTH2: {**body[OAUTH2], **new}})
        except aws.AWSError as error:
            _unsaved_leases[self.name], self._is_holding = self._holder, False
            self._extend()
            message = _UNSAVED.format(name=self.name, code=error.code)
            return _error(message, Verdict.RETRYABLE)
        self._release()
        return {}

    def _acquire(self) -> bool:
        now = int(time.time())
        is_free = "attribute_not_exists(#until) OR #until < :now"
        changes = {"until": now + _LEASE_SECONDS, "holder": self._holder, "expires": expires_at()}
        try:
            table.update(self._key, changes, is_free, now=now)
        except ConditionFailed:
            return False
        self._is_holding = True
        return True

    def _release(self) -> None:
        self._is_holding = False
        with suppress(ConditionFailed):
            table.update(self._key, {"until": 0}, "#holder = :holder", holder=self._holder)

    def _extend(self) -> None:
        until = int(time.time()) + _UNSAVED_SECONDS
        with suppress(ConditionFailed, aws.AWSError):
            table.update(self._key, {"until": until}, "#holder = :holder", holder=self._holder)

    @property
    def _key(self) -> dict[str, str]:
        return {"pk": f"credential#{self.name}", "sk": "tokens"}

    @property
    def _secret(self) -> str:
        return aws.setting(Setting.CREDENTIALS_PREFIX) + self.name


def valid_tokens(stored: Mapping[str, Any], refused: str) -> dict[str, Any]:
    """Return the stored tokens; empty if the access token is missing, refused or at its end."""
    is_new = stored.get("access_token") not in (None, refused)
    is_valid = is_new and float(stored.get("expires_at") or "inf") > time.time()
    return {name: stored.get(name) for name in TOKENS} if is_valid else {}


def _error(message: str, verdict: Verdict) -> dict[str, Any]:
    return {"error": message, "verdict": str(verdict)}
