"""Queries of PostgreSQL's system catalog: columns, array columns and constraints."""

from __future__ import annotations

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
SELECT a.attname AS name FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0
AND coalesce(nullif(t.typbasetype, 0), t.oid) IN (1082, 1114, 1184)
""".strip()  # date, timestamp, timestamptz, and domains of them
_CONSTRAINT_COLUMNS = """
SELECT a.attname AS name
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = to_regclass($1) AND c.conname = $2
""".strip()


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
