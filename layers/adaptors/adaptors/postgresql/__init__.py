"""PostgreSQL: write records into tables, and execute SQL.

The credential: `host`, `port`, `database`, `user`, `password`, and for TLS `ssl`, `ca`, `cert`,
`key`, `allowSelfSignedCert`. The server's certificate is verified unless the credential has
`"ssl": false` or `"allowSelfSignedCert": true`; then the password is sent only as SCRAM-SHA-256.
Rows become `data`; `result` has the command and its number of rows.

Everything a run writes is committed together at its end. If the run fails, all of it is rolled
back, and the next attempt resumes at the first statement that wrote something. `commit()` commits
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
