"""Warn about a credential whose connections others on the network can read or change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_UNENCRYPTED = re.compile(
    r"http://(?!(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|/|$))", re.IGNORECASE
)


def unprotected_connections(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each key that switches encryption or verification off.

    >>> list(unprotected_connections({"baseUrl": "https://x.org", "ssl": True}))
    []
    >>> list(unprotected_connections({"ssl": {"rejectUnauthorized": False}}))
    ['The server is not verified, so it may be another one. `ca` would verify it.']
    """
    for key, value in body.items():
        if key.lower().endswith("url") and isinstance(value, str) and _UNENCRYPTED.match(value):
            yield f"`{key}` begins with http://, so others on the network can read the secrets."
    options = body.get("ssl")
    if options is False:
        yield "`ssl` is false, so others on the network can read and change the data."
    elif body.get("allowSelfSignedCert") is True or (
        isinstance(options, Mapping) and options.get("rejectUnauthorized") is False
    ):
        yield "The server is not verified, so it may be another one. `ca` would verify it."
