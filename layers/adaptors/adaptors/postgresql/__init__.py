"""PostgreSQL: records into tables, and SQL of the job's own.

The credential: `host`, `port`, `database`, `user`, `password`, and for TLS `ssl`, `ca`, `cert`,
`key`, `allowSelfSignedCert`. Rows become `data`, and `result` tells the command and how many rows
it met.

What a run writes is committed together at its end: one that fails leaves nothing. It is then tried
again from its first statement that wrote something, with the state before it. `commit()` commits
earlier.
"""

from __future__ import annotations

from adaptors.postgresql.credential import Configuration
from adaptors.postgresql.queries import commit, find_value, sql
from adaptors.postgresql.rows import insert, insert_many, upsert, upsert_if, upsert_many
from adaptors.postgresql.tables import describe_table, insert_table, modify_table

__all__ = [
    "Configuration",
    "commit",
    "describe_table",
    "find_value",
    "insert",
    "insert_many",
    "insert_table",
    "modify_table",
    "sql",
    "upsert",
    "upsert_if",
    "upsert_many",
]
