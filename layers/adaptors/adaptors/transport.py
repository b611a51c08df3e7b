"""Deprecated names of the first release; use `adaptors.sdk`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from adaptors._http import client
from adaptors._http.auth import Auth
from adaptors._http.auth import basic_auth as basic
from adaptors._http.auth import header_auth as header
from adaptors._http.auth import query_auth as parameter
from adaptors._http.client import Client
from adaptors._http.digest_auth import DigestAuth
from adaptors._http.redirects import harmless_headers as harmless
from adaptors._http.request import DEFAULT_TIMEOUT as SECONDS
from adaptors._http.request import MAX_BYTES as MOST_BYTES
from adaptors._http.request import Request
from adaptors._http.response import Response
from adaptors._http.tls import Tls

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # one warning is enough
    from adaptors.answers import Answer

__all__ = [
    "MOST_BYTES",
    "SECONDS",
    "Access",
    "Auth",
    "Call",
    "basic",
    "harmless",
    "header",
    "parameter",
    "send",
]

warnings.warn(
    "adaptors.transport is deprecated: import from adaptors.sdk.", DeprecationWarning, stacklevel=2
)


class Access(Client):
    """Makes a `Client` from the arguments of the first release."""

    def __new__(  # type: ignore[misc]  # noqa: D102
        cls,
        base: str | None = None,
        auth: Auth | None = None,
        named: str = "baseUrl",
        digest: DigestAuth | None = None,
        tls: Tls | None = None,
    ) -> Client:
        return Client(base, auth, named, digest, tls)


class Call(Request):
    """Makes a `Request` from the arguments of the first release."""

    def __new__(  # type: ignore[misc]  # noqa: D102
        cls,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = SECONDS,
        pretended: Any = None,
        most_bytes: int = MOST_BYTES,
        redirected: bool = True,  # noqa: FBT001, FBT002
        told: str | None = None,
    ) -> Request:
        first = (method, path, query, headers, body, content_type, timeout)
        return Request(*first, pretended, most_bytes, redirected, told)


def send(access: Client, call: Request) -> Answer:
    """Send a request and return its response with the properties of the first release."""
    response = client.send(access, call)
    return Answer(**{field.name: getattr(response, field.name) for field in fields(Response)})
