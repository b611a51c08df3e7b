"""The store opens the files of older releases, and refuses those of newer ones."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.conftest import ROOT
from workbench.errors import CommandError
from workbench.store.database import FILE_NAME, Database
from workbench.store.received import ReceivedRequest, ReceivedRequests


def test_file_of_the_first_release_gets_the_new_tables_and_keeps_its_rows(tmp_path):
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old:
        old.executescript((ROOT / "tests/upgrade/store_1.sql").read_text("utf-8"))
        old.execute("INSERT INTO secrets VALUES ('name', 'content', 1.0)")
        old.commit()
    with closing(Database(tmp_path)) as database:
        requests = ReceivedRequests(database)
        requests.add(ReceivedRequest(1.0, "registry", "", "", "GET", "/", "", {}, b""))
        assert [request.number for request in requests.newest_first()] == [1]
        with database.read() as connection:
            assert connection.execute("SELECT name FROM secrets").fetchall() == [("name",)]


def test_file_of_a_newer_release_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as newer:
        newer.execute("PRAGMA user_version = 999")
    with pytest.raises(CommandError, match="A newer release wrote this data"):
        Database(tmp_path)
