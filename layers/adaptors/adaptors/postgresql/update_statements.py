"""Build the UPDATE of many rows, each with values of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from adaptors.postgresql import identifiers
from adaptors.postgresql.catalog import Column
from adaptors.postgresql.statements import (
    ConflictTarget,
    NumberedRecords,
    Statement,
    updated_columns,
    value_text,
)

NUMBER, KEY = " number", " key"
"""The columns of the result with a record's number and the key of its row."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table, the key of its rows and the types of its columns."""

    table: str
    conflict: ConflictTarget
    keys: Sequence[str]
    columns: Mapping[str, Column]
    array_columns: frozenset[str]


def build(target: Target, records: NumberedRecords, returning: Sequence[str]) -> Statement:
    """Return the statement that updates the rows of records with the same columns.

    It also contains an INSERT of nothing, so that PostgreSQL refuses a key without a unique index.
    """
    columns = list(records[0][1])
    quoted = {column: identifiers.quote(column) for column in (*columns, *target.keys)}
    updated = updated_columns(columns, target.keys)
    table = identifiers.quote_table(target.table)
    names = ", ".join(map(quoted.__getitem__, columns))
    assignments = ", ".join(f"{quoted[c]} = new.{quoted[c]}" for c in updated)
    excluded = ", ".join(f"{quoted[c]} = EXCLUDED.{quoted[c]}" for c in updated)
    condition = " AND ".join(f"old.{quoted[c]} = new.{quoted[c]}" for c in target.keys)
    key = ", ".join(f"old.{quoted[c]}" for c in target.keys)
    sql = (
        f'WITH new ("{NUMBER}", {names}) AS (VALUES {_rows(target, records, columns)}), '
        f"nothing AS (INSERT INTO {table} ({names}) SELECT {names} FROM new WHERE false "
        f"ON CONFLICT {target.conflict.sql} DO UPDATE SET {excluded}) "
        f"UPDATE {table} AS old SET {assignments} FROM new WHERE {condition} "
        f'RETURNING new."{NUMBER}", ROW({key})::text AS "{KEY}"{_returned(returning)}'
    )
    texts = [
        value_text(record[column], number, column, target.array_columns)
        for number, record in records
        for column in columns
    ]
    sources = [(number, column) for number, _ in records for column in columns]
    display_sql = f"UPDATE {table} AS old SET {assignments} WHERE {condition}"
    return Statement(sql, texts, "$", display_sql, len(records), sources)


def _rows(target: Target, records: NumberedRecords, columns: list[str]) -> str:
    numbers = count(1)
    rows = []
    for number, _ in records:
        # A type without its length, because a cast to varchar(3) would cut a longer text.
        values = [f"${next(numbers)}::{target.columns[column].type}" for column in columns]
        rows.append(f"({number}, {', '.join(values)})")
    return ", ".join(rows)


def _returned(columns: Sequence[str]) -> str:
    if list(columns) == ["*"]:
        return ", old.*"
    return "".join(f", old.{identifiers.quote(column)}" for column in columns)
