"""The dry run: adaptors show what they would send, and send nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DryRequest:
    """A request that would have been sent; its secrets are replaced by `***`."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

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
    """An SQL statement that would have been executed, and the values bound to it."""

    sql: str
    values: tuple[Any, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the statement for a machine."""
        return {"sql": self.sql, "values": list(self.values)}


Dry = DryRequest | DryStatement
_seen: ContextVar[list[Dry] | None] = ContextVar("seen", default=None)


@contextmanager
def dry_run() -> Iterator[list[Dry]]:
    """Send nothing: collect what would be sent, and answer each request with `200`."""
    seen: list[Dry] = []
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


def seen() -> list[Dry] | None:
    """Give the list to add to instead of sending; `None` when this is no dry run."""
    return _seen.get()
