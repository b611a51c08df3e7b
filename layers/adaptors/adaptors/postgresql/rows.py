"""Operations that write records into a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adaptors._runtime import dry_run
from adaptors.common import to_array
from adaptors.errors import ConfigurationError
from adaptors.operations import State, operation
from adaptors.postgresql import catalog, identifiers, statements
from adaptors.postgresql.execution import SECONDS, after, execute
from adaptors.postgresql.statements import IGNORE, Record, Rows

Key = str | Sequence[str]
Columns = str | list[str]
Conflict = Literal["error", "ignore"]


@dataclass(frozen=True, slots=True)
class _Options:
    set_null: str | list[str] | None
    returning: Columns | None
    timeout: float | None


@operation
def insert(
    state: State,
    table: str,
    record: Record,
    *,
    on_conflict: Conflict = "error",
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = SECONDS,
) -> State:
    """Insert a record: a dict of columns and values.

    The names of table (`visits`, `health.visits`) and columns are taken as they are written. A
    text becomes what its column is: `"34"` an integer, `"2026-03-09"` a date. A dict or a list
    becomes JSON, a list for a column of an array type an array. `on_conflict="ignore"` leaves what
    is there already as it is; `set_null=""` makes empty texts NULL; `returning` names columns,
    such as `"id"` or `"*"`, that are put in `data`.

    >>> from adaptors.common import data_value
    >>> operate = insert("health.visits", {"id": data_value("id"), "age": data_value("age")})
    """
    options = _Options(set_null, returning, timeout)
    return _written(state, table, None, [record], options, on_conflict)


@operation
def insert_many(
    state: State,
    table: str,
    records: list[Record],
    *,
    on_conflict: Conflict = "error",
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = SECONDS,
) -> State:
    """Insert records, a thousand in a statement; without any, nothing happens.

    A value goes into the column of its name, whatever the order of a record's keys; a column that
    only other records have gets its default. See `insert` for values and options.

    >>> from adaptors.common import data_value
    >>> operate = insert_many("visits", data_value("visits"), on_conflict="ignore")
    """
    options = _Options(set_null, returning, timeout)
    return _written(state, table, None, records, options, on_conflict)


@operation
def upsert(
    state: State,
    table: str,
    key: Key,
    record: Record,
    *,
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = SECONDS,
) -> State:
    """Insert a record, or update the row that has the same key with what the record has.

    `key` is a column, a list of columns, or `"ON CONSTRAINT name"`; the table must have a unique
    index of just these. See `insert` for values and options.

    >>> from adaptors.common import data_value
    >>> operate = upsert("visits", "id", {"id": data_value("id"), "age": data_value("age")})
    """
    return _written(state, table, key, [record], _Options(set_null, returning, timeout))


@operation
def upsert_many(
    state: State,
    table: str,
    key: Key,
    records: list[Record],
    *,
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = SECONDS,
) -> State:
    """Insert or update records, as if each were upserted after the other: the last one wins.

    Up to a thousand with the same columns are one statement; without any, nothing happens.

    >>> from adaptors.common import data_value
    >>> operate = upsert_many("visits", ["village", "day"], data_value("visits"))
    """
    return _written(state, table, key, records, _Options(set_null, returning, timeout))


@operation
def upsert_if(
    state: State,
    condition: Any,
    table: str,
    key: Key,
    record: Record,
    *,
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = SECONDS,
) -> State:
    """Insert or update a record if the condition holds; else nothing happens.

    >>> from adaptors.common import data_value
    >>> operate = upsert_if(data_value("consent"), "visits", "id", {"id": data_value("id")})
    """
    if not condition:
        return state
    return _written(state, table, key, [record], _Options(set_null, returning, timeout))


def _written(
    state: State,
    table: str,
    key: Key | None,
    records: Any,
    options: _Options,
    on_conflict: str = "error",
) -> State:
    rows = _rows(records, options.set_null)
    if not rows:
        print(f"nothing to write into {table}")
        return state
    ending = {"error": "", "ignore": IGNORE}.get(on_conflict)
    if ending is None:
        raise ConfigurationError(f'on_conflict is "error" or "ignore", not {on_conflict!r}')
    ending += _returning(options.returning)
    arrays = _arrays(state, table, rows)
    if key is None:
        made = statements.inserts(table, rows, ending, arrays)
    else:
        found = statements.key(key)
        rows = _merged(state, table, found, rows)
        made = statements.upserts(table, found, rows, ending, arrays)
    return after(state, execute(state, list(made), options.timeout))


def _rows(records: Any, set_null: str | list[str] | None) -> Rows:
    nulls = to_array(set_null)
    found: Rows = []
    for number, record in enumerate(to_array(records), 1):
        if not isinstance(record, dict):
            kind = type(record).__name__
            raise ConfigurationError(f"record {number} is not a dict of columns but {kind}")
        null = {k: None if isinstance(v, str) and v in nulls else v for k, v in record.items()}
        found.append((number, null if nulls else record))
    return found


def _returning(columns: Columns | None) -> str:
    if not columns:
        return ""
    return f" RETURNING {'*' if columns == '*' else identifiers.columns(columns)}"


def _arrays(state: State, table: str, rows: Rows) -> frozenset[str]:
    if dry_run.is_active():
        return frozenset()
    lists = any(isinstance(value, list | tuple) for _, each in rows for value in each.values())
    return catalog.arrays(state, table) if lists else frozenset()


def _merged(state: State, table: str, key: statements.Key, rows: Rows) -> Rows:
    if len(rows) == 1:
        return rows
    columns = key.columns
    if key.constraint and not dry_run.is_active():
        columns = catalog.constraint(state, table, key.constraint)
    return statements.merged(rows, columns)
