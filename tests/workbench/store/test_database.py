"""The SQLite file: reads share connections, and a write waits until its commit is on disk."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from workbench.store.database import Database

_INSERT = "INSERT OR REPLACE INTO secrets VALUES (?, 'content', 0)"


@pytest.fixture
def database(tmp_path):
    with closing(Database(tmp_path)) as opened:
        yield opened


def _open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _count(database):
    with database.read() as connection:
        return connection.execute("SELECT count(*) FROM secrets").fetchone()[0]


def _in_threads(count, action):
    threads = [threading.Thread(target=action, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_reads_of_threads_that_have_ended_leave_no_file_open(database):
    _count(database)
    before = _open_files()
    for _ in range(20):
        _in_threads(1, lambda _number: _count(database))
    assert _open_files() == before


def test_writes_of_several_threads_share_calls_of_fdatasync(database, monkeypatch):
    calls, first, others = [], threading.Event(), threading.Event()

    def fdatasync(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            first.set()
            assert others.wait(10)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    begun = threading.Thread(target=database.execute, args=(_INSERT, ("first",)))
    begun.start()
    assert first.wait(10)
    written = []

    def write(number):
        with database.write() as connection:
            connection.execute(_INSERT, (str(number),))
            written.append(number)
            if len(written) == 8:
                others.set()

    _in_threads(8, write)
    begun.join()
    assert _count(database) == 9
    assert len(calls) < 9


def test_write_that_cannot_be_synced_is_an_error(database, monkeypatch):
    def fdatasync(_descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with pytest.raises(OSError, match="Input/output error"):
        database.execute(_INSERT, ("name",))
    database.execute(_INSERT, ("name",), durable=False)


def test_write_that_fails_changes_nothing(database):
    with pytest.raises(sqlite3.OperationalError):
        _write_and_fail(database)
    assert _count(database) == 0


def _write_and_fail(database):
    with database.write() as connection:
        connection.execute(_INSERT, ("name",))
        connection.execute("NONSENSE")


def test_deferred_writes_wait_for_the_disk_once_and_at_the_end(database, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    with database.deferring_syncs(wait=True):
        for number in range(3):
            database.execute(_INSERT, (f"secret-{number}",))
        assert calls == []
        assert _count(database) == 3
    assert len(calls) == 1
    database.execute(_INSERT, ("another",))
    assert len(calls) == 2


def test_a_write_on_disk_takes_the_deferred_ones_before_it_along(database, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    with database.deferring_syncs(wait=False):
        database.execute(_INSERT, ("first",))
    assert calls == []
    _in_threads(1, lambda _number: database.execute(_INSERT, ("second",)))
    assert len(calls) == 1


def test_a_failing_disk_fails_the_deferred_writes(database, monkeypatch):
    def fdatasync(_descriptor):
        raise OSError("Input/output error")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with pytest.raises(OSError, match="Input"), database.deferring_syncs(wait=True):
        database.execute(_INSERT, ("lost",))
