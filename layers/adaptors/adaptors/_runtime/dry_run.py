"""The dry run: adaptors show what they would send, and send nothing.

A test may script the responses of destinations: an adaptor takes `scripted_response` first, and
falls back to a response of its own.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class DryRequest:
    """A request that would have been sent; its secrets are replaced by `***`."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Give the path of the address, without its query."""
        return urlsplit(self.url).path

    @property
    def json(self) -> Any:
        """Give the body read as JSON; `ValueError` where it is none."""
        return json.loads(self.body)

    def as_dict(self) -> dict[str, Any]:
        """Give the request for a machine, its body as text."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "body": self.body.decode("utf-8", "replace"),
        }


@dataclass(frozen=True, slots=True)
class DryStatement:
    """An SQL statement that would have been executed, and the values bound to it.

    One that writes many `rows` is shown with the first, and the values of the first thousand.
    """

    sql: str
    values: tuple[Any, ...] = ()
    rows: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Give the statement for a machine."""
        return {"sql": self.sql, "values": list(self.values), "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a rehearsed request is answered with: a body that is no text and no bytes is JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Give the words for the status."""
        return http.client.responses.get(self.status, "")

    @property
    def lower_case_headers(self) -> dict[str, str]:
        """Give the headers by their names in lower case."""
        return {name.lower(): value for name, value in self.headers.items()}

    @property
    def content(self) -> bytes:
        """Give the body as bytes."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Dry = DryRequest | DryStatement
Responder = Callable[[Dry], Any]
"""Gives the `Reply` to a request and the rows (a list) of a statement, or `None`; may raise."""
_seen: ContextVar[list[Dry] | None] = ContextVar("seen", default=None)
_responder: ContextVar[Responder | None] = ContextVar("responder", default=None)


@contextmanager
def dry_run(responder: Responder | None = None) -> Iterator[list[Dry]]:
    """Send nothing: collect what would be sent; each is answered by `responder`, or with `200`."""
    seen: list[Dry] = []
    tokens = _seen.set(seen), _responder.set(responder)
    try:
        yield seen
    finally:
        _seen.reset(tokens[0])
        _responder.reset(tokens[1])


def scripted_response(dry: Dry) -> Any:
    """Give what is to be the answer: a `Reply`, or the rows of a statement; else `None`.

    Raises what the rehearsal says goes wrong here, such as `RemoteUnavailable`.
    """
    responder = _responder.get()
    return responder(dry) if responder else None


def recorded() -> list[Dry] | None:
    """Give the list to add to instead of sending; `None` when this is no dry run."""
    return _seen.get()
