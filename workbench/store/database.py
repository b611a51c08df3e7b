"""The SQLite file behind a local stack: one writer at a time, and commits that are on disk.

A write returns once its commit is on disk, as with SQLite's `synchronous = FULL`; but one call of
`fdatasync` serves all threads that wait for it, and the next thread writes meanwhile. Several
writes can wait together at their end: commits reach the disk in their order, so that a power
failure only ever loses the last ones. Reads have connections of their own, so that a page of the
history waits for no write.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from workbench.store.schema import migrate

_deferred: ContextVar[list[int] | None] = ContextVar("deferred", default=None)
"""The commits that this context has not waited for, if it waits for them together."""
_BUSY_SECONDS = 30.0
_MAX_JOURNAL_BYTES = 16 * 1024 * 1024
FILE_NAME = "store.sqlite3"


class Database:
    """The tables of a local store, in a folder or in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open the store of a folder, which is created if missing; without one, use memory."""
        self._path = _create_file(folder) if folder else None
        self._lock = threading.RLock()
        self._idle_readers: list[sqlite3.Connection] = []
        self._writer = self._connect()
        self._commits = 0
        with self.write(durable=False) as connection:
            migrate(connection)
        self._log = _Log(self._path) if self._path else None

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Execute statements in one transaction, which an exception rolls back.

        If power fails, one that is not `durable` may be lost; later durable ones then are not.
        """
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
            self._commits += 1
            commit = self._commits
        if durable:
            self._sync(commit)

    def execute(
        self, statement: str, parameters: Sequence[Any], *, durable: bool = True
    ) -> list[Any]:
        """Execute one statement in a transaction of its own; return the rows that it returns."""
        with self._lock:
            rows = self._writer.execute(statement, parameters).fetchall()
            self._commits += 1
            commit = self._commits
        if durable:
            self._sync(commit)
        return rows

    @contextmanager
    def deferring_syncs(self, *, wait: bool) -> Iterator[None]:
        """Let the writes of this context not wait for the disk; with `wait`, wait at the end."""
        commits = list[int]()
        token = _deferred.set(commits)
        try:
            yield
        finally:
            _deferred.reset(token)
        if wait and commits:
            self._sync(commits[-1])

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Read what is committed."""
        if self._path is None:
            with self._lock:
                yield self._writer
            return
        try:
            reader = self._idle_readers.pop()
        except IndexError:
            reader = self._connect()
        try:
            yield reader
        finally:
            self._idle_readers.append(reader)

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        with self._lock:
            row = self._writer.execute("PRAGMA data_version").fetchone()
            return int(row[0])

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in (self._writer, *self._idle_readers):
                connection.close()
            if self._log is not None:
                self._log.close()

    def _sync(self, commit: int) -> None:
        if (commits := _deferred.get()) is not None:
            commits.append(commit)
        elif self._log is not None:
            self._log.sync(commit, lambda: self._commits)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:",
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_MAX_JOURNAL_BYTES}")
        connection.execute("PRAGMA secure_delete = ON")
        return connection


class _Log:
    """Syncs the write-ahead log for all threads that wait for their commits at the same time.

    SQLite syncs the log itself before it copies the log's pages to the database.
    """

    def __init__(self, database: Path) -> None:
        """Open the log of a database that has a connection, which keeps the log from deletion."""
        self._file = os.open(f"{database}-wal", os.O_RDWR)
        self._changed = threading.Condition()
        self._synced = 0
        self._is_syncing = False

    def sync(self, commit: int, committed: Callable[[], int]) -> None:
        """Wait until a commit is on disk; `committed` returns the number of the last commit."""
        with self._changed:
            while self._is_syncing and self._synced < commit:
                self._changed.wait()
            if self._synced >= commit:
                return
            self._is_syncing = True
        last = committed()
        try:
            os.fdatasync(self._file)
        except BaseException:
            last = 0
            raise
        finally:
            with self._changed:
                self._synced, self._is_syncing = max(self._synced, last), False
                self._changed.notify_all()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _create_file(folder: Path) -> Path:
    # Messages are patients' records: nobody else on the machine may read them.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / FILE_NAME
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    return path
