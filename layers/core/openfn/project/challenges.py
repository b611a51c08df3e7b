"""Challenges: how services verify that an inbox's URL is the project's before they post to it.

Meta (WhatsApp) sends a GET with `hub.challenge`, Slack posts a `challenge`, and Microsoft Graph
posts a `validationToken`. They expect the same text back, and never send it as a message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openfn.project import inboxes
from openfn.project.inboxes import Challenge

_MAX_BYTES = 1024
# Slack's whole post is about 150 bytes. What is far larger is not parsed here.
_MAX_SLACK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Verification:
    """A text that a service expects back, and the token that it sent with it."""

    text: str
    token: str = ""

    @property
    def is_too_long(self) -> bool:
        """Return whether the text is longer than any service's challenge."""
        return len(self.text.encode("utf-8", "replace")) > _MAX_BYTES


def read(
    challenge: Challenge | None, method: str, query: Mapping[str, Any], body: bytes
) -> Verification | None:
    """Return the verification in a request, or `None` if it is an ordinary one."""
    match challenge.service if challenge else None:
        case "meta" if method == "GET":
            return _verification(query.get("hub.challenge"), query.get("hub.verify_token"))
        case "microsoft":
            names = {name.lower(): name for name in query}  # SharePoint writes it in lower case
            return _verification(query.get(names.get("validationtoken", "")))
        case "slack" if method == "POST" and len(body) <= _MAX_SLACK_BYTES:
            return _read_slack(body)
        case _:
            return None


def has_token(challenge: Challenge, verification: Verification) -> bool:
    """Return whether the token is the project's; Microsoft Graph sends no token."""
    return challenge.secret is None or inboxes.is_token(challenge.secret, verification.token)


def _read_slack(body: bytes) -> Verification | None:
    if b"url_verification" not in body:
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("type") != "url_verification":
        return None
    return _verification(content.get("challenge"), content.get("token"))


def _verification(text: Any, token: Any = "") -> Verification | None:
    if not isinstance(text, str) or not text:
        return None
    return Verification(text, token if isinstance(token, str) else "")
