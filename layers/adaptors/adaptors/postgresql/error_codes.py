"""What PostgreSQL says went wrong, and whose problem it is.

An error tells the SQLSTATE, the server's sentence and the names in it. The rest, which quotes the
values of rows, goes into the run's log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg
from psycopg.errors import Diagnostic

from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.postgresql.credential import Configuration

CONTINUED = "25P02"
READ_ONLY = "25006"
_STOPPED = "57014"
# Another number of values than of $1, $2 and so on: not the connection's fault, though class 08.
_MISCOUNTED = "08P01"
# Connection, rollback of a transaction, resources, operator, system; a lock that is taken; a
# transaction that idled or lasted too long; and a server that has just become a standby.
_FOR_NOW = ("08", "40", "53", "57", "58", "55P03", "55006", "25P03", "25P04", READ_ONLY)
# Unsupported, transaction, statement, access, database, schema, limits, syntax and names.
_AUTHOR = (_MISCOUNTED, "0A", "25", "26", "28", "3D", "3F", "42", "54")
# libpq gives no SQLSTATE for a connection that is refused. Unknown words may be well later.
_CREDENTIAL = re.compile(
    "authentication failed|no password supplied|pg_hba.conf|does not exist"
    "|permission denied|certificate|unknown ca|does not support SSL|private key|invalid port",
)
_BOUND = re.compile(r"portal parameter \$(\d+)")


def judged(error: psycopg.Error, bound: Sequence[tuple[int, str]] = ()) -> AdaptorError:
    """Give the error of a statement with its verdict; `bound` names the column of each value."""
    state, told = error.sqlstate or "", error.diag
    if not state and isinstance(error, psycopg.OperationalError):
        return RemoteUnavailable(f"the connection to PostgreSQL failed: {_line(error)}")
    if not state:
        return ConfigurationError(f"the statement cannot be sent: {_line(error)}")
    show(error)
    text = f"PostgreSQL answered {state}: {_sentence(state, told)}{_names(told)}"
    text += _where(told, bound) + _remedy(state, told)
    if state.startswith(_FOR_NOW) and state != _MISCOUNTED:
        return RemoteUnavailable(text)
    return (ConfigurationError if state.startswith(_AUTHOR) else RemoteRefused)(text)


def unreachable(error: psycopg.Error, configuration: Configuration) -> AdaptorError:
    """Give the error of a connection that did not come about, with its verdict."""
    text = _line(error).removeprefix("connection failed: ")
    told = f"no connection to the database {configuration.database}: {text}"
    if "does not support SSL" in text:
        told += '; write "ssl": false into the credential if the way to it is safe without'
    if "certificate verify failed" in text:
        told += "; put the certificate of who signs the server's into the credential's ca"
    return (ConfigurationError if _CREDENTIAL.search(text) else RemoteUnavailable)(told)


def show(error: psycopg.Error) -> None:
    """Print all that PostgreSQL says of an error into the run's log."""
    told = error.diag
    print(f"{told.severity} {told.sqlstate}: {told.message_primary}")
    for name, text in (
        ("detail", told.message_detail),
        ("hint", told.message_hint),
        ("context", told.context),
    ):
        if text:
            print(f"  {name}: {text}")


def notice(told: Diagnostic) -> None:
    """Print a notice of PostgreSQL into the run's log."""
    print(f"{told.severity}: {told.message_primary}")


def _line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _sentence(state: str, told: Diagnostic) -> str:
    sentence = told.message_primary or ""
    if state.startswith("P0"):
        return "the database's own code refuses it; its words are in the run's log"
    if state.startswith(("22", "42601")):  # these quote a value, or the text of a statement
        return re.sub('["«„“].*["»“”]', '"…"', sentence, flags=re.DOTALL)
    return sentence


def _names(told: Diagnostic) -> str:
    table = ".".join(filter(None, (told.schema_name, told.table_name)))
    named = [("table", table), ("column", told.column_name), ("constraint", told.constraint_name)]
    found = ", ".join(f"{what} {name}" for what, name in named if name)
    return f" ({found})" if found else ""


def _where(told: Diagnostic, bound: Sequence[tuple[int, str]]) -> str:
    match = _BOUND.search(told.context or "")
    if not match or int(match[1]) > len(bound):
        return ""
    number, column = bound[int(match[1]) - 1]
    return f", in the column {column!r} of record {number}"


def _remedy(state: str, told: Diagnostic) -> str:
    if state == _STOPPED:
        return "; give it longer with timeout=, in seconds"
    if state == CONTINUED:
        return "; a statement before this one failed: all that the run did is rolled back"
    if state == "25001":
        return "; execute it with transaction=False"
    if state == "21000":
        return "; two records of one call have the same key, written in two ways"
    if state in {"42P01", "42703"}:
        return "; names are taken as they are written, with their capitals"
    hint = told.message_hint if state.startswith("42") else None
    return f"; {hint}" if hint else ""
