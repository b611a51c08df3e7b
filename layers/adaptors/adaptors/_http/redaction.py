"""Names of headers, parameters and fields that hold a secret, which a dry run masks."""

from __future__ import annotations

MASK = "***"
SECRET_WORDS = (
    "auth",
    "cookie",
    "key",
    "passphrase",
    "password",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
)
"""A name that contains one of these holds a secret; `openfn.storage.redaction` has the same."""
_HARMLESS = ("authtype", "idempotency-key", "keyword")
_PERSONAL_ACCESS_TOKEN = "pat"  # noqa: S105 - a name, not a secret


def is_secret_name(name: str) -> bool:
    """Return whether a header or field of this name holds a secret."""
    lower = name.lower()
    for harmless in _HARMLESS:
        lower = lower.replace(harmless, "")
    return lower == _PERSONAL_ACCESS_TOKEN or any(word in lower for word in SECRET_WORDS)
