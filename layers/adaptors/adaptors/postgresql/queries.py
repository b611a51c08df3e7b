"""Operations that execute SQL, commit, and look up a value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adaptors._runtime import dry_run
from adaptors.absent import Absent, absent_keys, optional_value
from adaptors.errors import ConfigurationError
from adaptors.operations import State, Value, operation, resolve
from adaptors.postgresql import connection_cache, identifiers, transactions
from adaptors.postgresql.execution import DEFAULT_TIMEOUT, execute, state_after
from adaptors.postgresql.parameters import to_text
from adaptors.postgresql.statements import Statement

QueryValues = Sequence[Any] | Mapping[str, Any]
_OPERATORS = {"=", "<>", "!=", "<", "<=", ">", ">=", "like", "ilike", "not like", "not ilike"}


@operation
def sql(
    state: State,
    query: str,
    values: QueryValues | None = None,
    *,
    timeout: float | None = DEFAULT_TIMEOUT,
    transaction: bool = True,
) -> State:
    """Execute SQL and put the rows in `data`, the command and row count in `result`.

    `values` are bound to placeholders and never become part of the SQL. Placeholders are `%s` in
    order, `%(name)s`, or `$1` as in OpenFn; with `values`, write `%%` for a percent sign beside
    `%s`. PostgreSQL infers the type of each placeholder; where it cannot, add a cast: `%s::date`.
    A text for a date is read as year, month, day. A list becomes an array, a dict JSON, and a path
    that finds nothing NULL.
    `transaction=False` executes the statement outside of any transaction, as VACUUM requires.

    >>> from adaptors.common import data_value
    >>> operate = sql("update visits set seen = now() where id = %s", [data_value("id")])
    >>> operate = sql("select * from visits where day >= $1", ["2026-03-01"])
    """
    if not isinstance(query, str):
        raise ConfigurationError(f"SQL must be text, not {type(query).__name__}.")
    statement = _statement(query, values)
    return state_after(state, execute(state, [statement], timeout, in_transaction=transaction))


@operation
def commit(state: State) -> State:
    """Commit everything written so far; after a later failure, the run resumes here.

    >>> operate = commit()
    """
    if not dry_run.is_active():
        transactions.commit(connection_cache.session_for(state))
    return state


def find_value(
    column: str,
    table: str,
    where: Mapping[str, Any],
    *,
    operators: Mapping[str, str] | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Value:
    """Look up a column of the first row that matches `where`; `None` if no row matches.

    Columns are compared with `=`, or with an operator from `operators` (`<`, `ilike`, …). The value
    `None` matches null, and a list matches any of its values. If a path in `where` finds nothing,
    nothing is looked up: the value is absent. In a dry run the result is `None`.

    >>> from adaptors.common import data_value
    >>> facility = find_value("id", "facilities", {"code": data_value("facility")})
    """

    def find(state: State) -> Any:
        conditions = resolve(state, dict(where))
        for path in absent_keys(conditions).values():  # without the condition, any row would match
            return Absent(path)
        statement = _select(column, table, conditions, operators or {})
        result = execute(state, [statement], timeout)
        return result.rows[0][column] if result.rows else None

    return optional_value(find)


def _statement(query: str, values: QueryValues | None) -> Statement:
    if values is None:
        return Statement(query, display_sql=query)
    if isinstance(values, Mapping):
        # The statement names each value, so an absent one is NULL.
        named_values = {**dict.fromkeys(absent_keys(values)), **values}
        named_texts = {name: to_text(value, array=True) for name, value in named_values.items()}
        return Statement(query, named_texts, "%", query)
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise ConfigurationError("The values of a query must be a list, or a dict by name.")
    texts = [to_text(value, array=True) for value in values]
    dollar, percent = re.search(r"\$\d", query), re.search(r"(?<!%)(%%)*%s", query)
    if dollar and percent:
        raise ConfigurationError("A query uses one kind of placeholder: %s, or $1, $2 and so on.")
    return Statement(query, texts, "$" if dollar else "%", query)


def _select(
    column: str, table: str, where: Mapping[str, Any], operators: Mapping[str, str]
) -> Statement:
    texts: list[str | None] = []
    conditions = []
    for name, value in where.items():
        condition = identifiers.quote(name)
        operator = operators.get(name, "=").lower()
        if operator not in _OPERATORS:
            supported = ", ".join(sorted(_OPERATORS))
            raise ConfigurationError(f"Unknown operator {operator!r}. Use one of {supported}.")
        if value is None:
            conditions.append(f"{condition} IS {'NOT ' * (operator in {'<>', '!='})}NULL")
            continue
        texts.append(to_text(value, array=True))
        placeholder = f"${len(texts)}"
        operand = f"ANY ({placeholder})" if isinstance(value, list) else placeholder
        conditions.append(f"{condition} {operator.upper()} {operand}")
    text = f"SELECT {identifiers.quote(column)} FROM {identifiers.quote_table(table)}"
    text += f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return Statement(f"{text} LIMIT 1", texts, "$", f"{text} LIMIT 1")
