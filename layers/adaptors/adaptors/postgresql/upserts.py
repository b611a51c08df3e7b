"""Upsert records. Existing rows need no value for the columns that a record does not have.

PostgreSQL checks NOT NULL and CHECK before ON CONFLICT, on the row that it would insert. Records
without a value for such a column are therefore updates first; what no update matches is inserted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adaptors._runtime import dry_run
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State
from adaptors.postgresql import (
    catalog,
    connection_cache,
    execution,
    statements,
    transactions,
    update_statements,
)
from adaptors.postgresql.results import Result
from adaptors.postgresql.statements import ConflictTarget, NumberedRecords
from adaptors.postgresql.update_statements import KEY, NUMBER, Target

_Rows = dict[int, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Upsert:
    """The arguments of an upsert; `returning` are columns, `["*"]` or none."""

    state: State
    table: str
    target: ConflictTarget
    returning: Sequence[str]
    array_columns: frozenset[str]
    timeout: float | None

    def execute(self, records: NumberedRecords) -> Result:
        """Insert the records, or update the rows with the same keys."""
        if dry_run.is_active():
            return self._insert_or_update(records)
        session = connection_cache.session_for(self.state)
        with transactions.joined(session):
            transactions.ensure_transaction(session, self.timeout)
            columns = self._columns()
            results = [
                self._update_or_insert(group, columns)
                if _is_partial(group, columns)
                else self._insert_or_update(group)
                for group in statements.group_by_columns(records)
            ]
        rows = tuple(row for result in results for row in result.rows)
        return Result(results[-1].command, sum(result.count for result in results), rows)

    def _columns(self) -> Mapping[str, catalog.Column]:
        session = connection_cache.session_for(self.state)
        if self.table not in session.columns:
            session.columns[self.table] = catalog.upsert_columns(
                self.state, self.table, self.timeout
            )
        return session.columns[self.table]

    def _insert_or_update(self, records: NumberedRecords) -> Result:
        built = statements.upsert_statements(
            self.table,
            self.target,
            records,
            statements.returning_clause(self.returning),
            self.array_columns,
        )
        return execution.execute(self.state, list(built), self.timeout)

    def _update_or_insert(
        self, records: NumberedRecords, columns: Mapping[str, catalog.Column]
    ) -> Result:
        keys = self.target.columns
        if self.target.constraint:
            keys = catalog.constraint_columns(self.state, self.table, self.target.constraint)
        target = Target(self.table, self.target, keys, columns, self.array_columns)
        rows: _Rows = {}
        for part in statements.batches(records, len(records[0][1])):
            updated, written_keys = self._update(target, part)
            missing = [(number, record) for number, record in part if number not in updated]
            if missing:
                updated |= self._insert_missing(target, missing, written_keys)
            rows |= updated
        listed = tuple(rows[number] for number in sorted(rows) if self.returning)
        return Result("INSERT", len(records), listed)

    def _update(self, target: Target, records: NumberedRecords) -> tuple[_Rows, set[object]]:
        statement = update_statements.build(target, records, self.returning)
        result = execution.execute(self.state, [statement], self.timeout)
        keys = {row[KEY] for row in result.rows}
        hidden = {NUMBER, KEY}
        rows = {
            int(row[NUMBER]): {name: row[name] for name in row if name not in hidden}
            for row in result.rows
        }
        return rows, keys

    def _insert_missing(
        self, target: Target, records: NumberedRecords, written_keys: set[object]
    ) -> _Rows:
        """Insert records that no update matched; update those whose row was inserted meanwhile."""
        session = connection_cache.session_for(self.state)
        try:
            with transactions.savepoint(session):
                result = self._insert_or_update(records)
        except RemoteUnavailable:
            raise
        except AdaptorError:
            updated, keys = self._update(target, records)
            if keys & written_keys:
                raise RemoteRefused(
                    "Two records of one call have the same key, written differently."
                ) from None
            if len(updated) < len(records):
                raise
            return updated
        rows = result.rows or tuple({} for _ in records)
        return {number: dict(row) for (number, _), row in zip(records, rows, strict=True)}


def _is_partial(records: NumberedRecords, columns: Mapping[str, catalog.Column]) -> bool:
    names = set(records[0][1])
    required = {name for name, column in columns.items() if column.is_checked}
    return bool(required - names) and names <= columns.keys()
