"""The tables of the SQLite file, and the steps from each version to the next.

A step that a release has brought is never changed: folders of that release exist.
"""

from __future__ import annotations

import sqlite3

from workbench.errors import CommandError

_STEPS = (
    """
    CREATE TABLE items (
        pk TEXT NOT NULL, sk TEXT NOT NULL, item TEXT NOT NULL, bytes INTEGER NOT NULL,
        expires REAL,
        PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX items_expire ON items (expires) WHERE expires IS NOT NULL;
    CREATE TABLE index_entries (
        name TEXT NOT NULL, hash TEXT NOT NULL, range TEXT NOT NULL, tie INTEGER NOT NULL,
        pk TEXT NOT NULL, sk TEXT NOT NULL,
        PRIMARY KEY (name, hash, range, tie, pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX index_entries_of_items ON index_entries (pk, sk);
    CREATE TABLE queued (
        number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, group_id TEXT NOT NULL,
        message_id TEXT NOT NULL, deduplication_id TEXT NOT NULL, body TEXT NOT NULL,
        sent_at REAL NOT NULL, visible_at REAL NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
        first_received_at REAL, receipt_handle TEXT, source TEXT
    );
    CREATE INDEX queued_groups ON queued (queue, group_id, number);
    CREATE INDEX queued_hidden ON queued (queue, visible_at);
    CREATE INDEX queued_receipts ON queued (receipt_handle) WHERE receipt_handle IS NOT NULL;
    CREATE TABLE deduplication (
        queue TEXT NOT NULL, group_id TEXT NOT NULL, id TEXT NOT NULL, message_id TEXT NOT NULL,
        sent_at REAL NOT NULL,
        PRIMARY KEY (queue, group_id, id)
    ) WITHOUT ROWID;
    CREATE INDEX deduplication_by_age ON deduplication (sent_at);
    CREATE TABLE objects (
        key TEXT PRIMARY KEY, content BLOB NOT NULL, modified_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY, content TEXT NOT NULL, changed_at REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE received (
        number INTEGER PRIMARY KEY AUTOINCREMENT, received_at REAL NOT NULL,
        destination TEXT NOT NULL, job TEXT NOT NULL, run TEXT NOT NULL,
        method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, headers TEXT NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX received_by_age ON received (received_at);
    """,
    """
    DROP INDEX queued_groups;
    CREATE INDEX queued_in_order ON queued (queue, number);
    CREATE INDEX queued_hidden_in_groups ON queued (queue, group_id, visible_at);
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables of an older release up to date; refuse those of a newer one."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_STEPS):
        raise CommandError("A newer release wrote this data. Use that release or another folder.")
    for number, step in enumerate(_STEPS[version:], version + 1):
        for statement in filter(str.strip, step.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
