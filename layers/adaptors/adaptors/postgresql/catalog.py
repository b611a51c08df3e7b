"""Queries of PostgreSQL's system catalog: columns, array columns and constraints."""

from __future__ import annotations

from dataclasses import dataclass

from adaptors.operations import State
from adaptors.postgresql import identifiers
from adaptors.postgresql.execution import DEFAULT_TIMEOUT, execute
from adaptors.postgresql.results import Result
from adaptors.postgresql.statements import Statement

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
    NOT a.attnotnull AS nullable, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
""".strip()
_ARRAY_COLUMNS = """
SELECT a.attname AS name FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND t.typcategory = 'A'
""".strip()
_DATE_COLUMNS = """
WITH RECURSIVE c AS (
    SELECT attname AS name, atttypid AS type FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT c.name, coalesce(nullif(t.typbasetype, 0), nullif(t.typelem, 0), r.rngsubtype)
    FROM c JOIN pg_type t ON t.oid = c.type LEFT JOIN pg_range r ON r.rngtypid = t.oid
    WHERE t.typtype = 'd' OR t.typcategory = 'A' OR r.rngtypid IS NOT NULL
)
SELECT DISTINCT name FROM c WHERE type IN (1082, 1114, 1184)
""".strip()  # date, timestamp, timestamptz, and domains, arrays and ranges of them
_UPSERT_COLUMNS = """
WITH RECURSIVE c AS (
    SELECT a.attnum, a.attname, a.atttypid AS type, (a.attnotnull OR t.typnotnull)
        AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL
        OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid
            AND k.contype = 'c' AND a.attnum = ANY (k.conkey)) AS is_checked
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.attnum, c.attname, t.typbasetype, c.is_checked
    FROM c JOIN pg_type t ON t.oid = c.type WHERE t.typtype = 'd'
)
SELECT c.attname AS name, format_type(c.type, -1) AS type, c.is_checked
FROM c JOIN pg_type t ON t.oid = c.type WHERE t.typtype <> 'd' ORDER BY c.attnum
""".strip()  # a domain counts as its base type
_CONSTRAINT_COLUMNS = """
SELECT a.attname AS name
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = to_regclass($1) AND c.conname = $2
""".strip()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type without a length, and whether a row without a value can be refused."""

    type: str
    is_checked: bool


def upsert_columns(state: State, table: str, timeout: float | None) -> dict[str, Column]:
    """Return a table's columns by name; empty if the table does not exist.

    A row without a value is refused by NOT NULL without a default, or perhaps by a CHECK.
    """
    table_name = identifiers.quote_table(table)
    result = _query_catalog(state, _UPSERT_COLUMNS, "checks", [table_name], timeout)
    return {row["name"]: Column(row["type"], row["is_checked"]) for row in result.rows}


def columns(state: State, table: str, timeout: float | None) -> Result:
    """Return a table's columns in order; no rows if the table does not exist."""
    return _query_catalog(state, _COLUMNS, "columns", [identifiers.quote_table(table)], timeout)


def array_columns(state: State, table: str) -> frozenset[str]:
    """Return the names of a table's array columns."""
    table_name = identifiers.quote_table(table)
    result = _query_catalog(state, _ARRAY_COLUMNS, "arrays", [table_name])
    return frozenset(row["name"] for row in result.rows)


def date_columns(state: State, table: str) -> frozenset[str]:
    """Return the names of a table's columns of dates and timestamps."""
    table_name = identifiers.quote_table(table)
    result = _query_catalog(state, _DATE_COLUMNS, "dates", [table_name])
    return frozenset(row["name"] for row in result.rows)


def constraint_columns(state: State, table: str, constraint: str) -> tuple[str, ...]:
    """Return the names of a constraint's columns."""
    values = [identifiers.quote_table(table), constraint]
    result = _query_catalog(state, _CONSTRAINT_COLUMNS, "constraint", values)
    return tuple(row["name"] for row in result.rows)


def _query_catalog(
    state: State,
    sql: str,
    subject: str,
    values: list[str],
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Result:
    display_sql = f"SELECT … FROM pg_catalog -- {subject} of {values[0]}"
    return execute(state, [Statement(sql, values, "$", display_sql)], timeout)
