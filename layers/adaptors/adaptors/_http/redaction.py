"""Which headers, parameters and keys hold secrets, by their name.

The inbox and the runner use the same list (`openfn.storage.redaction`); a test compares them.
"""

from __future__ import annotations

import re

MASK = "***"
SECRET_WORDS = (
    "auth(?!type)",
    "cookie",
    "(?<!idempotency-)key(?!word)",
    "passphrase",
    "password",
    "^pat$",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
)
"""A name that contains one of these names a secret. They are regular expressions."""
_SECRET_NAME = re.compile("|".join(SECRET_WORDS), re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Return whether a value with this name is a secret.

    >>> [is_secret_name(name) for name in ("X-Api-Key", "pwd", "Idempotency-Key", "keyword")]
    [True, True, False, False]
    """
    return bool(_SECRET_NAME.search(name))
