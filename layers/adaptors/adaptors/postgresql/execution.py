"""Execute the statements of an operation, or record them in a dry run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adaptors._runtime import dry_run
from adaptors.credentials import read_credential
from adaptors.operations import State, next_state
from adaptors.postgresql import connection_cache, transactions
from adaptors.postgresql.credential import Configuration
from adaptors.postgresql.results import Result
from adaptors.postgresql.statements import Statement

DEFAULT_TIMEOUT = 60.0
"""The statement timeout in seconds, unless the job sets another."""


def execute(
    state: State,
    statements: Sequence[Statement],
    timeout: float | None,
    *,
    in_transaction: bool = True,
) -> Result:
    """Execute statements and return their combined rows and row count."""
    if dry_run.is_active():
        read_credential(Configuration, state)
        return _record(statements)
    session = connection_cache.session_for(state)
    results = transactions.execute(session, statements, timeout, in_transaction=in_transaction)
    rows = tuple(row for result in results for row in result.rows)
    return Result(results[-1].command, sum(result.count for result in results), rows)


def state_after(state: State, result: Result) -> State:
    """Return the next state: rows in `data`, command and row count in `result`."""
    summary = {"command": result.command, "rows": result.count}
    return {**next_state(state, list(result.rows)), "result": summary}


def _record(statements: Sequence[Statement]) -> Result:
    dry_statements = _dry_statements(statements)
    for statement in dry_statements:
        dry_run.record(statement)
    scripted_rows = [dry_run.scripted_response(statement) or () for statement in dry_statements]
    rows = tuple(row for statement_rows in scripted_rows for row in statement_rows)
    return Result(count=len(rows), rows=rows)


def _dry_statements(statements: Sequence[Statement]) -> list[dry_run.DryStatement]:
    """Group statements that differ in their rows only, with the values of the first row."""
    groups: dict[str, list[Statement]] = {}
    for statement in statements:
        groups.setdefault(statement.display_sql, []).append(statement)
    return [
        dry_run.DryStatement(
            display_sql, _first_row(group[0]), sum(statement.rows for statement in group)
        )
        for display_sql, group in groups.items()
    ]


def _first_row(statement: Statement) -> tuple[Any, ...]:
    values = statement.values or ()
    if isinstance(values, Mapping):
        return tuple(values.items())
    if not statement.sources:
        return tuple(values)
    first_record = statement.sources[0][0]
    return tuple(values[: sum(number == first_record for number, _ in statement.sources)])
