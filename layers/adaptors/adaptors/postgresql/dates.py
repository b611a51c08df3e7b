"""Refuse texts for dates whose order of day, month and year is a guess."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError
from adaptors.operations import State
from adaptors.postgresql import catalog, connection_cache
from adaptors.postgresql.statements import NumberedRecords

_YEAR_FIRST = re.compile(r"\s*\d{4}(?!\d)|\s*\d{8}(?!\d)")
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    r"\d{1,4}\W+\d{1,4}\W+\d{1,4}|\b\d{6}(?!\d)"
    r"|\b\d{1,2}\W[0-3]\d{2}(?!\d)"  # a year and the day of the year
    rf"|\d.*({_MONTH})|({_MONTH}).*\d",
    re.IGNORECASE | re.DOTALL,
)
_MAX_CHARACTERS = 60  # PostgreSQL reads no longer date
# An array or a range as PostgreSQL writes it.
_IN_BRACKETS = re.compile(r"\s*[\[({](.*)[\])}]\s*", re.DOTALL)


def require_year_first(state: State, table: str, records: NumberedRecords) -> None:
    """Raise ConfigurationError for a text that a date column might read in the wrong order.

    The columns' types are looked up only if there is such a text.
    """
    doubtful = [
        (number, column)
        for number, record in records
        for column, value in record.items()
        if any(map(_is_doubtful, _texts(value)))
    ]
    if not doubtful or dry_run.is_active():
        return
    date_columns = _date_columns(state, table)
    for number, column in doubtful:
        if column in date_columns:
            raise ConfigurationError(
                f"Column {column!r} of record {number}: a text for a date begins with a "
                "four-digit year, such as 2026-03-12. Convert it in the job."
            )


def _date_columns(state: State, table: str) -> Collection[str]:
    """Return the names of a table's date columns, which an attempt looks up once."""
    session, key = connection_cache.session_for(state), f"dates\0{table}"
    if key in session.columns:
        return session.columns[key]
    names = catalog.date_columns(state, table)
    if session.joined_attempt:
        session.columns[key] = dict.fromkeys(names)
    return names


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a value that may each be a date; a list may be an array of dates."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str):
        match = _IN_BRACKETS.fullmatch(value)
        yield from (part.strip("\"'{} ") for part in match[1].split(",")) if match else (value,)


def _is_doubtful(text: str) -> bool:
    is_short = len(text) <= _MAX_CHARACTERS
    return is_short and not _YEAR_FIRST.match(text) and bool(_DATE.search(text))
