"""Execute the statements of an operation, or record them in a dry run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

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
    """Group statements that differ in their rows only."""
    groups: dict[str, list[Statement]] = {}
    for statement in statements:
        groups.setdefault(statement.display_sql, []).append(statement)
    return [
        _dry_statement(display_sql, [row for statement in group for row in _rows(statement)])
        for display_sql, group in groups.items()
    ]


def _dry_statement(display_sql: str, rows: Sequence[dry_run.DryRow]) -> dry_run.DryStatement:
    if not rows[0].columns:
        return dry_run.DryStatement(display_sql, rows[0].values)
    return dry_run.DryStatement(display_sql, rows[0].values, dry_run.DryRows(rows))


def _rows(statement: Statement) -> Iterator[dry_run.DryRow]:
    values = statement.values or ()
    if isinstance(values, Mapping):
        yield dry_run.DryRow(tuple(values.items()))
    elif not statement.sources:
        yield dry_run.DryRow(tuple(values))
    else:
        bound = zip(values, statement.sources, strict=True)
        for _, row in groupby(bound, lambda part: part[1][0]):
            texts, sources = zip(*row, strict=True)
            yield dry_run.DryRow(texts, tuple(column for _, column in sources))
