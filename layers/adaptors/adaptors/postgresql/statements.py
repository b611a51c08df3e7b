"""The statements that write records: columns by name, values bound, many rows in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from adaptors.errors import AdaptorError, ConfigurationError
from adaptors.postgresql import identifiers
from adaptors.postgresql import parameters as values

Record = Mapping[str, Any]
Rows = list[tuple[int, Record]]
"""Records, each with its number in the list they came in, which counts from 1."""
# A statement has at most 65,535 parameters; more rows than this in one are no faster.
_PARAMETERS, _ROWS = 65_535, 1_000
IGNORE = " ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Statement:
    """An SQL statement, and the texts bound to it.

    `style` is how it names them. `shown` is the statement as a log and a dry run show it, the same
    for all that differ in their `rows` only; `bound` is the record and the column of each value.
    """

    sql: str
    values: Sequence[str | None] | Mapping[str, str | None] | None = None
    style: str = "$"
    shown: str = ""
    rows: int = 1
    bound: Sequence[tuple[int, str]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """What tells that two records are the same: columns, or a constraint by its name."""

    columns: tuple[str, ...] = ()
    constraint: str = ""

    @property
    def target(self) -> str:
        """Give it as ON CONFLICT takes it."""
        if self.constraint:
            return f"ON CONSTRAINT {identifiers.quoted(self.constraint)}"
        return f"({identifiers.columns(list(self.columns))})"


def key(given: str | Sequence[str]) -> Key:
    """Read a key: a column, a list of columns, or `ON CONSTRAINT name`.

    >>> key("on constraint visits_pkey").target
    'ON CONSTRAINT "visits_pkey"'
    """
    if isinstance(given, str) and given.lower().startswith("on constraint "):
        return Key(constraint=identifiers.read(given[len("on constraint ") :].strip()))
    columns = (given,) if isinstance(given, str) else tuple(given)
    if not columns:
        raise ConfigurationError("a key is a column, a list of columns, or ON CONSTRAINT name")
    return Key(columns)


def inserts(
    table: str, rows: Rows, ending: str = "", arrays: frozenset[str] = frozenset()
) -> Iterator[Statement]:
    """Give the statements that insert records; a column that a record has not, gets its default.

    >>> [each.sql for each in inserts("visits", [(1, {"id": 1}), (2, {"id": 2, "age": "34"})])]
    ['INSERT INTO "visits" ("id", "age") VALUES ($1, DEFAULT), ($2, $3)']
    """
    columns = list(dict.fromkeys(column for _, record in rows for column in record))
    if not columns:
        raise ConfigurationError(f"the records for {table} have no column: give {{column: value}}")
    beginning = f"INSERT INTO {identifiers.table(table)} ({identifiers.columns(columns)}) VALUES "
    size = min(_ROWS, max(1, _PARAMETERS // len(columns)))
    for start in range(0, len(rows), size):
        yield _insert(beginning, rows[start : start + size], columns, ending, arrays)


def upserts(
    table: str, key: Key, rows: Rows, ending: str = "", arrays: frozenset[str] = frozenset()
) -> Iterator[Statement]:
    """Give the statements that insert records, or update those that are there.

    What a record has not stays as it is, so records of other columns are another statement.

    >>> (only,) = upserts("v", Key(("id",)), [(1, {"id": 1, "age": "34"})])
    >>> only.sql.partition(" ON ")[2]
    'CONFLICT ("id") DO UPDATE SET "age" = EXCLUDED."age"'
    """
    groups: dict[frozenset[str], Rows] = {}
    for number, record in rows:
        groups.setdefault(frozenset(record), []).append((number, record))
    for group in groups.values():
        columns = list(group[0][1])
        others = [each for each in columns if each not in key.columns] or columns
        pairs = ", ".join(f"{q} = EXCLUDED.{q}" for q in map(identifiers.quoted, others))
        update = f" ON CONFLICT {key.target} DO UPDATE SET {pairs}" if pairs else ""
        yield from inserts(table, group, update + ending, arrays)


def merged(rows: Rows, columns: Sequence[str]) -> Rows:
    """Make one of records with the same key, as if one were written after the other.

    >>> merged([(1, {"id": 7, "a": 1}), (2, {"id": "7", "a": 2}), (3, {"id": None})], ["id"])
    [(2, {'id': '7', 'a': 2}), (3, {'id': None})]
    """
    found: dict[Any, tuple[int, Record]] = {}
    for number, record in rows:
        which = tuple(values.text(record.get(column)) for column in columns)
        place = number if None in which or not which else which  # NULL is the same as nothing
        found[place] = number, {**found.get(place, (0, {}))[1], **record}
    return list(found.values())


def _insert(
    beginning: str, rows: Rows, columns: list[str], ending: str, arrays: frozenset[str]
) -> Statement:
    found = [
        (number, column, _text(record[column], number, column, arrays))
        for number, record in rows
        for column in columns
        if column in record
    ]
    numbers = count(1)
    made = [
        "(" + ", ".join(f"${next(numbers)}" if c in r else "DEFAULT" for c in columns) + ")"
        for _, r in rows
    ]
    places = ", ".join(f"${each}" for each in range(1, len(columns) + 1))
    shown = f"{beginning}({places}){ending}"
    sql = f"{beginning}{', '.join(made)}{ending}"
    bound = [(number, column) for number, column, _ in found]
    return Statement(sql, [each for _, _, each in found], "$", shown, len(rows), bound)


def _text(value: Any, number: int, column: str, arrays: frozenset[str]) -> str | None:
    try:
        return values.text(value, array=column in arrays)
    except AdaptorError as error:
        raise type(error)(f"the column {column!r} of record {number}: {error}") from None
