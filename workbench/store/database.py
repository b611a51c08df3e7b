"""The SQLite file behind a local stack: one writer at a time, and commits that are on disk.

Each thread reads through a connection of its own, so that a page of the history waits for no write.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.store.schema import migrate

_BUSY_SECONDS = 30.0
_MAX_JOURNAL_BYTES = 16 * 1024 * 1024
FILE_NAME = "store.sqlite3"


class Database:
    """The tables of a local store, in a folder or in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open the store of a folder, which is created if missing; without one, use memory."""
        self._path = _create_file(folder) if folder else None
        self._lock = threading.RLock()
        self._readers = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._writer = self._connect()
        with self.write() as connection:
            migrate(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Execute statements in one transaction, which an exception rolls back."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Read what is committed."""
        if self._path is None:
            with self._lock:
                yield self._writer
            return
        reader = getattr(self._readers, "connection", None)
        if reader is None:
            reader = self._readers.connection = self._connect()
        yield reader

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        with self._lock:
            row = self._writer.execute("PRAGMA data_version").fetchone()
            return int(row[0])

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._connections:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:",
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_MAX_JOURNAL_BYTES}")
        connection.execute("PRAGMA secure_delete = ON")
        self._connections.append(connection)
        return connection


def _create_file(folder: Path) -> Path:
    # Messages are patients' records: nobody else on the machine may read them.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / FILE_NAME
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    return path
