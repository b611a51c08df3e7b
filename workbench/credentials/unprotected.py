"""Warn about the addresses of a credential: without scheme, or open to others on the network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_UNENCRYPTED = re.compile(
    r"http://(?!(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|/|$))", re.IGNORECASE
)


def addresses_without_scheme(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each URL that does not begin with a scheme.

    >>> list(addresses_without_scheme({"baseUrl": "registry.example.org"}))
    ['`baseUrl` has no scheme. Write https://… with the whole address.']
    """
    for key, value in body.items():
        if key.lower().endswith("url") and isinstance(value, str) and "://" not in value:
            yield f"`{key}` has no scheme. Write https://… with the whole address."


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
