"""Refuse texts for dates whose order of day, month and year is a guess."""

from __future__ import annotations

import re

from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError
from adaptors.operations import State
from adaptors.postgresql import catalog
from adaptors.postgresql.statements import NumberedRecords

_YEAR_FIRST = re.compile(r"\s*\d{4}(?!\d)|\s*\d{8}(?!\d)")
_DATE = re.compile(
    r"\d{1,4}\W+\d{1,4}\W+\d{1,4}|\b\d{6}\b"
    r"|\d.*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).*\d",
    re.IGNORECASE | re.DOTALL,
)
_MAX_CHARACTERS = 60  # PostgreSQL reads no longer date


def require_year_first(state: State, table: str, records: NumberedRecords) -> None:
    """Raise ConfigurationError for a text that a date column might read in the wrong order.

    The columns' types are looked up only if there is such a text.
    """
    doubtful = [
        (number, column)
        for number, record in records
        for column, value in record.items()
        if isinstance(value, str) and _is_doubtful(value)
    ]
    if not doubtful or dry_run.is_active():
        return
    date_columns = catalog.date_columns(state, table)
    for number, column in doubtful:
        if column in date_columns:
            raise ConfigurationError(
                f"Column {column!r} of record {number}: a text for a date begins with a "
                "four-digit year, such as 2026-03-12. Convert it in the job."
            )


def _is_doubtful(text: str) -> bool:
    is_short = len(text) <= _MAX_CHARACTERS
    return is_short and not _YEAR_FIRST.match(text) and bool(_DATE.search(text))
