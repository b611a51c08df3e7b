"""The dry run: adaptors record what they would send, and send nothing.

A test may script the responses of destinations: an adaptor takes `scripted_response` first, and
falls back to a response of its own.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class DryRequest:
    """A request that was not sent; its secrets are replaced by `***`."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Return the path of the URL, without its query."""
        return urlsplit(self.url).path

    @property
    def json(self) -> Any:
        """Return the body parsed as JSON; raise ValueError for any other body."""
        return json.loads(self.body)

    def as_dict(self) -> dict[str, Any]:
        """Return the request as JSON-compatible data, its body as text."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "body": self.body.decode("utf-8", "replace"),
        }


@dataclass(frozen=True, slots=True)
class DryRow:
    """A row that a statement would write: the values bound for it, and their columns."""

    values: tuple[Any, ...]
    columns: tuple[str, ...] = ()


class DryRows(int):
    """The number of rows that a statement would write, and the rows themselves.

    >>> rows = DryRows([DryRow((1, "Amina")), DryRow((2, "Kofi"))])
    >>> rows == 2, rows[1].values
    (True, (2, 'Kofi'))
    """

    _rows: tuple[DryRow, ...]

    def __new__(cls, rows: Iterable[DryRow]) -> Self:
        """Count the rows."""
        listed = tuple(rows)
        self = super().__new__(cls, len(listed))
        self._rows = listed
        return self

    def __getitem__(self, position: int) -> DryRow:
        return self._rows[position]

    def __iter__(self) -> Iterator[DryRow]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True, slots=True)
class DryStatement:
    """An SQL statement that was not executed, and the values bound to it.

    A statement that writes many rows has the SQL and the `values` of the first, and all `rows`.
    """

    sql: str
    values: tuple[Any, ...] = ()
    rows: DryRows | int = 1

    @property
    def all_rows(self) -> tuple[DryRow, ...]:
        """Return the rows that the statement would write, or its values as one row."""
        if isinstance(self.rows, DryRows):
            return tuple(self.rows)
        return (DryRow(self.values),) if self.values else ()

    def as_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-compatible data."""
        row_values = [list(row.values) for row in self.all_rows]
        statement = {"sql": self.sql, "values": list(self.values), "rows": int(self.rows)}
        return {**statement, "row_values": row_values}


@dataclass(frozen=True, slots=True)
class Reply:
    """The scripted response to a request; a body that is neither text nor bytes is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Return the standard phrase of the status."""
        return http.client.responses.get(self.status, "")

    @property
    def lower_case_headers(self) -> dict[str, str]:
        """Return the headers by their names in lower case."""
        return {name.lower(): value for name, value in self.headers.items()}

    @property
    def content(self) -> bytes:
        """Return the body as bytes."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Dry = DryRequest | DryStatement
Responder = Callable[[Dry], Any]
"""Returns the `Reply` to a request, the rows (a list) of a statement, or None; may raise."""
_recorded: ContextVar[list[Dry] | None] = ContextVar("recorded", default=None)
_responder: ContextVar[Responder | None] = ContextVar("responder", default=None)


@contextmanager
def dry_run(responder: Responder | None = None) -> Iterator[list[Dry]]:
    """Record requests and statements in a list; `responder` or a plain 200 responds to them."""
    requests: list[Dry] = []
    tokens = _recorded.set(requests), _responder.set(responder)
    try:
        yield requests
    finally:
        _recorded.reset(tokens[0])
        _responder.reset(tokens[1])


def is_active() -> bool:
    """Return whether this is a dry run."""
    return recorded() is not None


def recorded() -> list[Dry] | None:
    """Return what this dry run has recorded; None outside of one."""
    return _recorded.get()


def record(dry: Dry) -> None:
    """Record a request or statement; ignored outside of a dry run."""
    requests = recorded()
    if requests is not None:
        requests.append(dry)


def scripted_response(dry: Dry) -> Any:
    """Return the scripted `Reply` to a request or rows of a statement; None if there is none.

    Raises the scripted error, such as `RemoteUnavailable`.
    """
    responder = _responder.get()
    return responder(dry) if responder else None
