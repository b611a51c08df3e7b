"""Build INSERT and upsert statements: values bound, many rows in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from adaptors.errors import AdaptorError, ConfigurationError
from adaptors.postgresql import identifiers
from adaptors.postgresql.parameters import to_text

Record = Mapping[str, Any]
NumberedRecords = list[tuple[int, Record]]
"""Records, each with its number in the job's list, counted from 1."""
DO_NOTHING = " ON CONFLICT DO NOTHING"
_MAX_PARAMETERS = 65_535  # of one statement
_MAX_ROWS = 1_000  # more rows in one statement are no faster


@dataclass(frozen=True, slots=True)
class Statement:
    """An SQL statement and the texts bound to it.

    `placeholder` is `$` or `%`. `display_sql` is for the log and for dry runs; statements that
    differ in their `rows` only share it. `sources` has each value's record number and column.
    """

    sql: str
    values: Sequence[str | None] | Mapping[str, str | None] | None = None
    placeholder: str = "$"
    display_sql: str = ""
    rows: int = 1
    sources: Sequence[tuple[int, str]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ConflictTarget:
    """What identifies a row: columns, or a constraint by its name."""

    columns: tuple[str, ...] = ()
    constraint: str = ""

    @property
    def sql(self) -> str:
        """Return the target as ON CONFLICT takes it."""
        if self.constraint:
            return f"ON CONSTRAINT {identifiers.quote(self.constraint)}"
        return f"({identifiers.quote_columns(list(self.columns))})"


def parse_key(key: str | Sequence[str]) -> ConflictTarget:
    """Parse a key: a column, a list of columns, or `ON CONSTRAINT name`.

    >>> parse_key("on constraint visits_pkey").sql
    'ON CONSTRAINT "visits_pkey"'
    """
    if isinstance(key, str) and key.lower().startswith("on constraint "):
        return ConflictTarget(constraint=identifiers.unquote(key[len("on constraint ") :].strip()))
    columns = (key,) if isinstance(key, str) else tuple(key)
    if not columns:
        raise ConfigurationError(
            "The key is empty. Write a column, a list of columns, or ON CONSTRAINT name."
        )
    return ConflictTarget(columns)


def insert_statements(
    table: str,
    records: NumberedRecords,
    suffix: str = "",
    array_columns: frozenset[str] = frozenset(),
) -> Iterator[Statement]:
    """Yield the statements that insert records; a missing column gets its default.

    >>> records = [(1, {"id": 1}), (2, {"id": 2, "age": "34"})]
    >>> [statement.sql for statement in insert_statements("visits", records)]
    ['INSERT INTO "visits" ("id", "age") VALUES ($1, DEFAULT), ($2, $3)']
    """
    columns = list(dict.fromkeys(column for _, record in records for column in record))
    if not columns:
        raise ConfigurationError(
            f"The records for table {table} have no columns. Write a dict of column and value."
        )
    prefix = (
        f"INSERT INTO {identifiers.quote_table(table)} ({identifiers.quote_columns(columns)}) "
        "VALUES "
    )
    for part in batches(records, len(columns)):
        yield _insert(prefix, part, columns, suffix, array_columns)


def upsert_statements(
    table: str,
    target: ConflictTarget,
    records: NumberedRecords,
    suffix: str = "",
    array_columns: frozenset[str] = frozenset(),
) -> Iterator[Statement]:
    """Yield the statements that insert records, or update existing rows.

    Columns that a record does not have keep their value, so records with other columns need
    another statement.

    >>> target = ConflictTarget(("id",))
    >>> (statement,) = upsert_statements("v", target, [(1, {"id": 1, "age": "34"})])
    >>> statement.sql.partition(" ON ")[2]
    'CONFLICT ("id") DO UPDATE SET "age" = EXCLUDED."age"'
    """
    for group in group_by_columns(records):
        updated = updated_columns(list(group[0][1]), target.columns)
        assignments = ", ".join(
            f"{column} = EXCLUDED.{column}" for column in map(identifiers.quote, updated)
        )
        update = f" ON CONFLICT {target.sql} DO UPDATE SET {assignments}" if assignments else ""
        yield from insert_statements(table, group, update + suffix, array_columns)


def group_by_columns(records: NumberedRecords) -> list[NumberedRecords]:
    """Return the records in groups with the same columns."""
    groups: dict[frozenset[str], NumberedRecords] = {}
    for number, record in records:
        groups.setdefault(frozenset(record), []).append((number, record))
    return list(groups.values())


def updated_columns(columns: list[str], keys: Sequence[str]) -> list[str]:
    """Return the columns that an update writes: all but the keys, if there are others."""
    return [column for column in columns if column not in keys] or columns


def returning_clause(columns: Sequence[str]) -> str:
    """Return the RETURNING clause for columns, or an empty text for none.

    >>> returning_clause(["*"]), returning_clause([])
    (' RETURNING *', '')
    """
    if not columns:
        return ""
    return f" RETURNING {'*' if columns == ['*'] else identifiers.quote_columns(list(columns))}"


def batches(records: NumberedRecords, column_count: int) -> Iterator[NumberedRecords]:
    """Yield as many records with this number of columns as fit into one statement."""
    size = min(_MAX_ROWS, max(1, _MAX_PARAMETERS // column_count))
    for start in range(0, len(records), size):
        yield records[start : start + size]


def merge_records(records: NumberedRecords, key_columns: Sequence[str]) -> NumberedRecords:
    """Merge records with the same key, as if they were written one after the other.

    >>> records = [(1, {"id": 7, "a": 1}), (2, {"id": "7", "a": 2}), (3, {"id": None})]
    >>> merge_records(records, ["id"])
    [(2, {'id': '7', 'a': 2}), (3, {'id': None})]
    """
    merged: dict[Any, tuple[int, Record]] = {}
    for number, record in records:
        values = tuple(to_text(record.get(column)) for column in key_columns)
        key = number if None in values or not values else values  # NULL never equals NULL
        merged[key] = number, {**merged.get(key, (0, {}))[1], **record}
    return list(merged.values())


def _insert(
    prefix: str,
    records: NumberedRecords,
    columns: list[str],
    suffix: str,
    array_columns: frozenset[str],
) -> Statement:
    present = [
        (number, column, value_text(record[column], number, column, array_columns))
        for number, record in records
        for column in columns
        if column in record
    ]
    numbers = count(1)
    rows = [
        "(" + ", ".join(f"${next(numbers)}" if c in record else "DEFAULT" for c in columns) + ")"
        for _, record in records
    ]
    placeholders = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    display_sql = f"{prefix}({placeholders}){suffix}"
    values = [text for _, _, text in present]
    sources = [(number, column) for number, column, _ in present]
    sql = f"{prefix}{', '.join(rows)}{suffix}"
    return Statement(sql, values, "$", display_sql, len(records), sources)


def value_text(value: Any, number: int, column: str, array_columns: frozenset[str]) -> str | None:
    """Return the text of a record's value; an error names the column and the record."""
    try:
        return to_text(value, array=column in array_columns)
    except AdaptorError as error:
        raise type(error)(f"Column {column!r} of record {number}: {error}") from None
