"""The statements in the log of a PostgreSQL server, with their parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

PREFIX = "@%d@"
"""The setting `log_line_prefix`: the database."""
_ENTRY = re.compile(r"^@([^@\n]*)@(?=[A-Z]+: )", re.MULTILINE)
_STATEMENT = re.compile(r"LOG:  (?:execute [^:]*|statement): (.*)", re.DOTALL)
_PARAMETERS = re.compile(r"DETAIL:  [Pp]arameters: (.*)", re.DOTALL)
_TARGET = re.compile(
    r"\b(insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|"
    r"(?:create|alter|drop)\s+\w+|copy)\s+(?:if\s+(?:not\s+)?exists\s+|only\s+)?([\w.\"]+)",
    re.IGNORECASE,
)
_CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Logged:
    """A statement that writes."""

    database: str
    statement: str
    parameters: str
    """`$1 = 'Amina', $2 = NULL`"""

    @property
    def target(self) -> tuple[str, str]:
        """The command and the table: `("INSERT", "person")`."""
        match = _TARGET.search(self.statement)
        if match is None:
            return self.statement.split(maxsplit=1)[0].upper(), ""
        return match[1].split()[0].upper(), match[2].replace('"', "")


def statements(log: int) -> Iterator[Logged]:
    """Read a log from a file descriptor until its end, and yield its statements.

    The server writes a statement and its parameters at once: no line has to be waited for.
    """
    rest = b""
    while chunk := os.read(log, _CHUNK_BYTES):
        rest += chunk
        if rest.endswith(b"\n"):
            yield from parse(rest.decode("utf-8", "replace"))
            rest = b""


def parse(text: str) -> Iterator[Logged]:
    r"""Yield the statements in a part of a log.

    >>> list(parse("@a@LOG:  execute <unnamed>: DELETE FROM b WHERE c = $1\n"
    ...            "@a@DETAIL:  Parameters: $1 = '7'\n"))
    [Logged(database='a', statement='DELETE FROM b WHERE c = $1', parameters="$1 = '7'")]
    """
    _, *parts = _ENTRY.split(text)
    entries = list(zip(parts[::2], parts[1::2], strict=True))
    for number, (database, entry) in enumerate(entries):
        if match := _STATEMENT.match(entry):
            following = entries[number + 1][1] if number + 1 < len(entries) else ""
            parameters = _PARAMETERS.match(following)
            values = _joined(parameters[1]) if parameters else ""
            yield Logged(database, _joined(match[1]), values)


def _joined(text: str) -> str:
    # The server indents the lines of a message after the first.
    return text.strip().replace("\n\t", "\n")
