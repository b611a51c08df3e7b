"""What the operations have in common: a statement is executed, or shown in a dry run."""

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

SECONDS = 60.0
"""How long a statement may take, if the job does not say."""


def execute(
    state: State, made: Sequence[Statement], seconds: float | None, *, alone: bool = False
) -> Result:
    """Execute statements; give the command, and rows and their number of all of them together."""
    if dry_run.is_active():
        read_credential(Configuration, state)
        statements = _dry(made)
        for statement in statements:
            dry_run.record(statement)
        told = tuple(row for each in statements for row in dry_run.scripted_response(each) or ())
        return Result(count=len(told), rows=told)
    found = transactions.execute(connection_cache.session(state), made, seconds, alone=alone)
    rows = tuple(row for each in found for row in each.rows)
    return Result(found[-1].command, sum(each.count for each in found), rows)


def after(state: State, found: Result) -> State:
    """Give the state after an operation: rows in `data`, what was done in `result`."""
    result = {"command": found.command, "rows": found.count}
    return {**next_state(state, list(found.rows)), "result": result}


def _dry(made: Sequence[Statement]) -> list[dry_run.Dry]:
    """Show statements that differ in their rows only as one, with the values of the first row."""
    found: dict[str, list[Statement]] = {}
    for each in made:
        found.setdefault(each.shown, []).append(each)
    return [
        dry_run.DryStatement(shown, _first(alike[0]), sum(each.rows for each in alike))
        for shown, alike in found.items()
    ]


def _first(statement: Statement) -> tuple[Any, ...]:
    bound = statement.values or ()
    if isinstance(bound, Mapping):
        return tuple(bound.items())
    first = [number for number, _ in statement.bound[:1]]
    return tuple(bound[: sum(number in first for number, _ in statement.bound)] if first else bound)
