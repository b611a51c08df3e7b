"""What PostgreSQL's catalog says of a table."""

from __future__ import annotations

from adaptors.operations import State
from adaptors.postgresql import identifiers
from adaptors.postgresql.execution import SECONDS, execute
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
_ARRAYS = """
SELECT a.attname AS name FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND t.typcategory = 'A'
""".strip()
_CONSTRAINT = """
SELECT a.attname AS name
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = to_regclass($1) AND c.conname = $2
""".strip()


def columns(state: State, table: str, seconds: float | None) -> Result:
    """Give a table's columns, in order; none where there is no such table."""
    return _asked(state, _COLUMNS, "columns", [identifiers.table(table)], seconds)


def arrays(state: State, table: str) -> frozenset[str]:
    """Give the columns of a table that hold arrays."""
    found = _asked(state, _ARRAYS, "arrays", [identifiers.table(table)])
    return frozenset(each["name"] for each in found.rows)


def constraint(state: State, table: str, name: str) -> tuple[str, ...]:
    """Give the columns of a constraint."""
    found = _asked(state, _CONSTRAINT, "constraint", [identifiers.table(table), name])
    return tuple(each["name"] for each in found.rows)


def _asked(
    state: State, sql: str, what: str, bound: list[str], seconds: float | None = SECONDS
) -> Result:
    shown = f"SELECT … FROM pg_catalog -- {what} of {bound[0]}"
    return execute(state, [Statement(sql, bound, "$", shown)], seconds)
