"""Names of headers and fields that hold a secret, which is never stored or logged."""

from __future__ import annotations

import re

SECRET_WORDS = (
    "auth",
    "bearer",
    "cookie",
    "credential",
    "key",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
)
"""A name that contains one of these holds a secret; `adaptors._http.redaction` has the same."""
SHORT_SECRET_WORDS = ("cred", "creds", "jwt", "otp", "pass", "pin", "pw")
"""Parts of other words (*shipping*), so only a complete word of a name is meant."""
_HARMLESS = (
    *("authtype", "auth_type", "bypass", "client_auth", "compass", "idempotency-key", "keyword"),
    *("tokenurl", "token_url"),
)
_OAUTH2 = "oauth2"  # the part of a credential that has secrets among other keys
_PERSONAL_ACCESS_TOKEN = "pat"  # noqa: S105 - a name, not a secret
# user_pass, userPass, X-API-PIN
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_secret_name(name: str) -> bool:
    """Return whether a header or field of this name holds a secret."""
    lower = name.lower()
    if lower == _OAUTH2:
        return False
    for harmless in _HARMLESS:
        lower = lower.replace(harmless, "")
    return (
        lower == _PERSONAL_ACCESS_TOKEN
        or lower.endswith("pass")
        or any(word in lower for word in SECRET_WORDS)
        or any(word.lower() in SHORT_SECRET_WORDS for word in _WORD.findall(name))
    )
