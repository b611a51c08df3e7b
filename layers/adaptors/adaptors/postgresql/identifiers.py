"""Quote the names of tables, columns and constraints for SQL."""

from __future__ import annotations

import re

from adaptors.errors import ConfigurationError

_MAX_BYTES = 63  # PostgreSQL cuts a longer name, and two may then be the same
_PART = re.compile(r'("(?:[^"]|"")+"|[^.]+)(?:\.(?=.)|$)')


def quote(name: str) -> str:
    """Quote one name, so that capitals and special characters are kept.

    >>> print(quote('Wasser "kalt" in l'))
    "Wasser ""kalt"" in l"
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise ConfigurationError(f"Invalid name of a column, table or constraint: {name!r}.")
    if len(name.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        raise ConfigurationError(
            f"The name {name!r} has more than {_MAX_BYTES} bytes, and PostgreSQL would cut it. "
            "Use a shorter one."
        )
    return '"' + name.replace('"', '""') + '"'


def quote_table(name: str) -> str:
    """Quote a table's name, which may have a schema; a part with a dot must be quoted already.

    >>> print(quote_table("health.visits"), quote_table('"visits.2026"'))
    "health"."visits" "visits.2026"
    """
    parts = []
    position = 0
    while isinstance(name, str) and (match := _PART.match(name, position)):
        parts.append(unquote(match[1]))
        position = match.end()
        if position == len(name):
            return ".".join(map(quote, parts))
    raise ConfigurationError(
        f"Invalid table name {name!r}. Write visits, or health.visits with its schema."
    )


def unquote(name: str) -> str:
    """Remove the quotes of a name, if it has any.

    >>> unquote('"visits.2026"')
    'visits.2026'
    """
    match = re.fullmatch('"((?:[^"]|"")+)"', name)
    return match[1].replace('""', '"') if match else name


def quote_columns(names: str | list[str]) -> str:
    """Quote one column name or a list of them, separated by commas.

    >>> print(quote_columns(["id", "group1/name"]))
    "id", "group1/name"
    """
    return ", ".join(map(quote, [names] if isinstance(names, str) else names))
