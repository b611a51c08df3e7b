"""The requests that the built-in destinations of a local stack received, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.store.database import Database

_PAGE_ROWS = 100
_COLUMNS = "number, received_at, destination, job, run, method, path, query, headers, body"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request to a built-in destination."""

    received_at: float
    """Epoch seconds."""
    destination: str
    """The credential that led to the destination."""
    job: str
    """The job that sent it; empty if several jobs used the credential at that moment."""
    run: str
    """The run that sent it; empty if several runs used the credential at that moment."""
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    number: int = 0
    """Its id, which the store assigns."""


@dataclass(frozen=True, slots=True)
class ReceivedRequests:
    """The received requests of a store."""

    database: Database

    def add(self, request: ReceivedRequest) -> None:
        """Store a request."""
        row = (
            request.received_at,
            request.destination,
            request.job,
            request.run,
            request.method,
            request.path,
            request.query,
            json.dumps(dict(request.headers)),
            request.body,
        )
        columns = _COLUMNS.removeprefix("number, ")
        with self.database.write() as connection:
            connection.execute(
                f"INSERT INTO received ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - no input
                row,
            )

    def get(self, number: int) -> ReceivedRequest | None:
        """Return a request by its number."""
        statement = f"SELECT {_COLUMNS} FROM received WHERE number = ?"  # noqa: S608 - no input
        with self.database.read() as connection:
            row = connection.execute(statement, (number,)).fetchone()
        return _from_row(row) if row else None

    def newest_first(self, before: int | None = None) -> Iterator[ReceivedRequest]:
        """Return all requests, or those before a number."""
        statement = (
            f"SELECT {_COLUMNS} FROM received WHERE number < ? "  # noqa: S608 - no input
            f"ORDER BY number DESC LIMIT {_PAGE_ROWS}"
        )
        last = before if before is not None else 2**62
        while True:
            with self.database.read() as connection:
                rows = connection.execute(statement, (last,)).fetchall()
            yield from map(_from_row, rows)
            if len(rows) < _PAGE_ROWS:
                return
            last = rows[-1][0]

    def delete_older(self, than: float) -> None:
        """Delete the requests that were received before a time (epoch seconds)."""
        with self.database.read() as connection:
            oldest = connection.execute("SELECT min(received_at) FROM received").fetchone()[0]
        if oldest is not None and oldest < than:
            with self.database.write() as connection:
                connection.execute("DELETE FROM received WHERE received_at < ?", (than,))

    def delete_all(self) -> int:
        """Delete all requests and return how many there were."""
        with self.database.write() as connection:
            return connection.execute("DELETE FROM received").rowcount


def _from_row(row: tuple[Any, ...]) -> ReceivedRequest:
    number, received_at, destination, job, run, method, path, query, headers, body = row
    sent = (method, path, query, json.loads(headers), body)
    return ReceivedRequest(received_at, destination, job, run, *sent, number)
