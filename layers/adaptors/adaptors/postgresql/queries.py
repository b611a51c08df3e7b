"""Operations with SQL of the job's own, and a value that is looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError
from adaptors.operations import State, Value, operation, resolve
from adaptors.postgresql import connection_cache, identifiers, transactions
from adaptors.postgresql import parameters as values
from adaptors.postgresql.execution import SECONDS, after, execute
from adaptors.postgresql.statements import Statement

Bound = Sequence[Any] | Mapping[str, Any]
_OPERATORS = {"=", "<>", "!=", "<", "<=", ">", ">=", "like", "ilike", "not like", "not ilike"}


@operation
def sql(
    state: State,
    query: str,
    values: Bound | None = None,
    *,
    timeout: float | None = SECONDS,
    transaction: bool = True,
) -> State:
    """Execute SQL; `data` becomes the rows, `result` tells the command and how many rows it met.

    `values` are bound and never become part of the text. They are named `%s` in order, `%(name)s`,
    or as OpenFn does `$1`; where some are given, write `%%` for a percent sign beside `%s`. Each
    has the type that its place asks for; where none does, write it: `%s::date`. A list is an array,
    a dict JSON. With `transaction=False` it is executed in no transaction, as VACUUM asks for.

    >>> from adaptors.common import data_value
    >>> operate = sql("update visits set seen = now() where id = %s", [data_value("id")])
    >>> operate = sql("select * from visits where day >= $1", ["2026-03-01"])
    """
    if not isinstance(query, str):
        raise ConfigurationError(f"SQL is a text, not {type(query).__name__}")
    return after(state, execute(state, [_own(query, values)], timeout, alone=not transaction))


@operation
def commit(state: State) -> State:
    """Commit what the run has written until now; a later failure goes on from here.

    >>> operate = commit()
    """
    if not dry_run.is_active():
        transactions.commit(connection_cache.session(state))
    return state


def find_value(
    column: str,
    table: str,
    where: Mapping[str, Any],
    *,
    operators: Mapping[str, str] | None = None,
    timeout: float | None = SECONDS,
) -> Value:
    """Stand for a column of the first row where columns have these values, `None` without a row.

    A column is compared with `=`, or as `operators` says (`<`, `ilike`, …); one whose value is
    `None` is null, and with a list it has one of these values. In a dry run it is `None`.

    >>> from adaptors.common import data_value
    >>> facility = find_value("id", "facilities", {"code": data_value("facility")})
    """

    def value(state: State) -> Any:
        statement = _select(column, table, resolve(state, dict(where)), operators or {})
        found = execute(state, [statement], timeout)
        return found.rows[0][column] if found.rows else None

    return value


def _own(query: str, given: Bound | None) -> Statement:
    if given is None:
        return Statement(query, shown=query)
    if isinstance(given, Mapping):
        named = {name: values.text(each, array=True) for name, each in given.items()}
        return Statement(query, named, "%", query)
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise ConfigurationError("values are a list, or a dict of names and values")
    texts = [values.text(each, array=True) for each in given]
    dollar, percent = re.search(r"\$\d", query), re.search(r"(?<!%)(%%)*%s", query)
    if dollar and percent:
        raise ConfigurationError("name the values of a query in one way: %s, or $1, $2 and so on")
    return Statement(query, texts, "$" if dollar else "%", query)


def _select(
    column: str, table: str, where: Mapping[str, Any], operators: Mapping[str, str]
) -> Statement:
    texts: list[str | None] = []
    conditions = []
    for name, value in where.items():
        condition = identifiers.quoted(name)
        operator = operators.get(name, "=").lower()
        if operator not in _OPERATORS:
            raise ConfigurationError(f"{operator!r} is no operator; there are {_listed()}")
        if value is None:
            conditions.append(f"{condition} IS {'NOT ' * (operator in {'<>', '!='})}NULL")
            continue
        texts.append(values.text(value, array=True))
        place = f"${len(texts)}"
        several = f"ANY ({place})" if isinstance(value, list) else place
        conditions.append(f"{condition} {operator.upper()} {several}")
    text = f"SELECT {identifiers.quoted(column)} FROM {identifiers.table(table)}"
    text += f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return Statement(f"{text} LIMIT 1", texts, "$", f"{text} LIMIT 1")


def _listed() -> str:
    return ", ".join(sorted(_OPERATORS))
