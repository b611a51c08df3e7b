"""Operations that insert and upsert records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adaptors._runtime import dry_run
from adaptors.common import to_array
from adaptors.errors import ConfigurationError
from adaptors.operations import State, operation
from adaptors.postgresql import catalog, dates, identifiers, statements
from adaptors.postgresql.execution import DEFAULT_TIMEOUT, execute, state_after
from adaptors.postgresql.statements import (
    DO_NOTHING,
    ConflictTarget,
    NumberedRecords,
    Record,
)
from adaptors.postgresql.upserts import Upsert

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
    timeout: float | None = DEFAULT_TIMEOUT,
) -> State:
    """Insert a record: a dict of columns and values.

    The names of the table (`visits`, `health.visits`) and its columns are case-sensitive. A text is
    converted to the type of its column: `"34"` to an integer, `"2026-03-09"` to a date, which must
    begin with the year. `timestamp without time zone` drops an offset such as `+03:00`: use
    `timestamptz`. A dict or a list becomes JSON; a list becomes an array in a column of an array
    type.

    `on_conflict="ignore"` skips a record whose row exists, `set_null=""` writes NULL for empty
    texts, and `returning` puts columns of the new row in `data`: `"id"`, or `"*"` for all.

    >>> from adaptors.common import data_value
    >>> operate = insert("health.visits", {"id": data_value("id"), "age": data_value("age")})
    """
    options = _Options(set_null, returning, timeout)
    return _write(state, table, None, [record], options, on_conflict)


@operation
def insert_many(
    state: State,
    table: str,
    records: list[Record],
    *,
    on_conflict: Conflict = "error",
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> State:
    """Insert a list of records, up to a thousand in one statement.

    Records may have different columns: a missing column gets its default. Nothing is sent for an
    empty list. See `insert` for values and options.

    >>> from adaptors.common import data_value
    >>> operate = insert_many("visits", data_value("visits"), on_conflict="ignore")
    """
    options = _Options(set_null, returning, timeout)
    return _write(state, table, None, records, options, on_conflict)


@operation
def upsert(
    state: State,
    table: str,
    key: Key,
    record: Record,
    *,
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> State:
    """Insert a record, or update the row with the same key.

    `key` is a column, a list of columns, or `"ON CONSTRAINT name"`. The table needs a unique index
    on exactly these columns, and the record a value for each: without, it is an error. Columns that
    the record does not have keep their value, also those that are NOT NULL. See `insert` for values
    and options.

    >>> from adaptors.common import data_value
    >>> operate = upsert("visits", "id", {"id": data_value("id"), "age": data_value("age")})
    """
    return _write(state, table, _known(key), [record], _Options(set_null, returning, timeout))


@operation
def upsert_many(
    state: State,
    table: str,
    key: Key,
    records: list[Record],
    *,
    set_null: str | list[str] | None = None,
    returning: Columns | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> State:
    """Insert or update a list of records; of several with the same key, the last one wins.

    Up to a thousand records with the same columns are sent in one statement, and nothing for an
    empty list.

    >>> from adaptors.common import data_value
    >>> operate = upsert_many("visits", ["village", "day"], data_value("visits"))
    """
    return _write(state, table, _known(key), records, _Options(set_null, returning, timeout))


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
    timeout: float | None = DEFAULT_TIMEOUT,
) -> State:
    """Insert or update a record if the condition is true; otherwise do nothing.

    >>> from adaptors.common import data_value
    >>> operate = upsert_if(data_value("consent"), "visits", "id", {"id": data_value("id")})
    """
    if not condition:
        return state
    return _write(state, table, _known(key), [record], _Options(set_null, returning, timeout))


def _known(key: Key | None) -> Key:
    if key is None:  # without a key, every run would insert another row
        raise ConfigurationError(
            "upsert needs a key: a column, a list of columns, or ON CONSTRAINT name."
        )
    return key


def _write(
    state: State,
    table: str,
    key: Key | None,
    records: Any,
    options: _Options,
    on_conflict: str = "error",
) -> State:
    numbered = _number_records(records, options.set_null)
    if not numbered:
        print(f"No records for table {table}.")
        return state
    suffix = {"error": "", "ignore": DO_NOTHING}.get(on_conflict)
    if suffix is None:
        raise ConfigurationError(f'on_conflict= is "error" or "ignore", not {on_conflict!r}.')
    suffix += statements.returning_clause(to_array(options.returning or None))
    dates.require_year_first(state, table, numbered)
    array_columns = _array_columns(state, table, numbered)
    if key is None:
        built = statements.insert_statements(table, numbered, suffix, array_columns)
    else:
        target = statements.parse_key(key)
        _require_key(target, numbered)
        numbered = _merge_same_key(state, table, target, numbered)
        returning = to_array(options.returning or None)
        upsert = Upsert(state, table, target, returning, array_columns, options.timeout)
        return state_after(state, upsert.execute(numbered))
    return state_after(state, execute(state, list(built), options.timeout))


def _number_records(records: Any, set_null: str | list[str] | None) -> NumberedRecords:
    nulls = to_array(set_null)
    numbered: NumberedRecords = []
    for number, record in enumerate(to_array(records), 1):
        if not isinstance(record, dict):
            type_name = type(record).__name__
            raise ConfigurationError(
                f"Record {number} must be a dict of column and value, not {type_name}."
            )
        with_nulls = {
            column: None if isinstance(value, str) and value in nulls else value
            for column, value in record.items()
        }
        numbered.append((number, with_nulls))
    return numbered


def _require_key(target: ConflictTarget, records: NumberedRecords) -> None:
    for number, record in records:
        for column in target.columns:
            identifiers.quote(column)
            if column not in record:
                raise ConfigurationError(
                    f"Record {number} has no value for its key {column}. Without it, every run "
                    "would insert another row."
                )


def _array_columns(state: State, table: str, records: NumberedRecords) -> frozenset[str]:
    if dry_run.is_active():
        return frozenset()
    has_lists = any(
        isinstance(value, list | tuple) for _, record in records for value in record.values()
    )
    return catalog.array_columns(state, table) if has_lists else frozenset()


def _merge_same_key(
    state: State, table: str, target: ConflictTarget, records: NumberedRecords
) -> NumberedRecords:
    if len(records) == 1:
        return records
    columns = target.columns
    if target.constraint and not dry_run.is_active():
        columns = catalog.constraint_columns(state, table, target.constraint)
    return statements.merge_records(records, columns)
