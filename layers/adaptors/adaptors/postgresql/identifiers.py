"""Names of tables, columns and constraints in SQL: quoted, whatever they are made of."""

from __future__ import annotations

import re

from adaptors.errors import ConfigurationError

_PART = re.compile(r'("(?:[^"]|"")+"|[^.]+)(?:\.(?=.)|$)')


def quoted(name: str) -> str:
    """Give one name as SQL takes it, capitals and all.

    >>> print(quoted('Wasser "kalt" in l'))
    "Wasser ""kalt"" in l"
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise ConfigurationError(f"{name!r} is no name of a column, a table or a constraint")
    return '"' + name.replace('"', '""') + '"'


def table(name: str) -> str:
    """Give a table's name, with or without its schema; a part with a dot is written in quotes.

    >>> print(table("health.visits"), table('"visits.2026"'))
    "health"."visits" "visits.2026"
    """
    parts = []
    position = 0
    while isinstance(name, str) and (match := _PART.match(name, position)):
        parts.append(read(match[1]))
        position = match.end()
        if position == len(name):
            return ".".join(map(quoted, parts))
    raise ConfigurationError(
        f"{name!r} is no name of a table: write visits, or health.visits with its schema"
    )


def read(name: str) -> str:
    """Give a name that may be written in quotes, without them.

    >>> read('"visits.2026"')
    'visits.2026'
    """
    match = re.fullmatch('"((?:[^"]|"")+)"', name)
    return match[1].replace('""', '"') if match else name


def columns(names: str | list[str]) -> str:
    """Give names of columns, a list of them or one, with commas between.

    >>> print(columns(["id", "group1/name"]))
    "id", "group1/name"
    """
    return ", ".join(map(quoted, [names] if isinstance(names, str) else names))
