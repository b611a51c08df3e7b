"""PostgreSQL's errors as adaptor errors, each with its verdict.

An error has the SQLSTATE, the server's message and the names in it. Details, which may quote the
values of rows, go into the run's log only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg
from psycopg.errors import Diagnostic

from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.postgresql.credential import Configuration

READ_ONLY_TRANSACTION = "25006"
_FAILED_TRANSACTION = "25P02"
_INVALID_TEXT = ("22007", "22P02")
_QUERY_CANCELED = "57014"
# The number of values differs from that of $1, $2 …: an author's error, though of class 08.
_PROTOCOL_VIOLATION = "08P01"
# Connection, rollback of a transaction, resources, operator, system; a row that is locked; a
# transaction that idled or lasted too long; and a server that has just become a standby.
_RETRYABLE = (
    *("08", "40", "53", "57", "58", "55P03", "55006", "25P03", "25P04"),
    READ_ONLY_TRANSACTION,
)
# Unsupported, transaction, statement, access, database, schema, limits, syntax and names.
_AUTHOR = (_PROTOCOL_VIOLATION, "0A", "25", "26", "28", "3D", "3F", "42", "54")
# libpq has no SQLSTATE for a refused connection. Unknown messages count as retryable.
_CREDENTIAL_PROBLEM = re.compile(
    "authentication failed|authentication method requirement|SCRAM|no password supplied"
    "|pg_hba.conf|does not exist"
    "|permission denied|certificate|unknown ca|does not support SSL|private key|invalid port",
)
_PARAMETER = re.compile(r"portal parameter \$(\d+)")
_REMEDIES = {
    _QUERY_CANCELED: "Allow the statement more time with timeout=, in seconds.",
    _FAILED_TRANSACTION: "An earlier statement failed, so everything this run did is rolled back.",
    "25001": "Execute the statement with transaction=False.",
    "21000": "Two records of one call have the same key, written differently.",
    "42P10": "The key needs a unique constraint, or a unique index without WHERE, on exactly its "
    "columns.",
    "42P01": "Names are case-sensitive: write them as the database has them.",
    "42703": "Names are case-sensitive: write them as the database has them.",
}
_CONNECTION_REMEDIES = {
    "does not support SSL": 'If the network is trusted, set "ssl": false in the credential.',
    "certificate verify failed": "Put the CA certificate of the server into `ca` of the "
    'credential. Only if you trust the network, set "allowSelfSignedCert": true instead.',
    "does not match host name": "Write a host name of the certificate as `host`.",
    "authentication method requirement": "The credential does not verify the server, so its "
    "password is sent only as SCRAM-SHA-256. Verify the server: remove `ssl` and "
    "`allowSelfSignedCert`, and set `ca`. Or set the user's password again on the server, with "
    "password_encryption = 'scram-sha-256' and scram-sha-256 in pg_hba.conf.",
}


def error_for(error: psycopg.Error, sources: Sequence[tuple[int, str]] = ()) -> AdaptorError:
    """Log a statement's error and return it with its verdict.

    `sources` has the record number and the column of each bound value.
    """
    code, diagnostic = error.sqlstate or "", error.diag
    if not code and isinstance(error, psycopg.OperationalError):
        return RemoteUnavailable(f"The connection to PostgreSQL failed: {_first_line(error)}.")
    if not code:
        return ConfigurationError(f"The statement cannot be sent: {_first_line(error)}.")
    log_error(error)
    text = f"PostgreSQL error {code}: {_redacted_message(code, diagnostic)}"
    text += f"{_object_names(diagnostic)}{_value_source(diagnostic, sources)}."
    if remedy := _remedy(code, diagnostic):
        text += f" {remedy}"
    if code.startswith(_RETRYABLE) and code != _PROTOCOL_VIOLATION:
        return RemoteUnavailable(text)
    return (ConfigurationError if code.startswith(_AUTHOR) else RemoteRefused)(text)


def connection_error(error: psycopg.Error, configuration: Configuration) -> AdaptorError:
    """Return the error of a failed connection with its verdict."""
    reason = _first_line(error).removeprefix("connection failed: ")
    text = f"Cannot connect to the database {configuration.database}: {reason}."
    for problem, remedy in _CONNECTION_REMEDIES.items():
        if problem in reason:
            text += f" {remedy}"
    return (ConfigurationError if _CREDENTIAL_PROBLEM.search(reason) else RemoteUnavailable)(text)


def log_error(error: psycopg.Error) -> None:
    """Print an error with all its details into the run's log."""
    diagnostic = error.diag
    print(f"{diagnostic.severity} {diagnostic.sqlstate}: {diagnostic.message_primary}")
    for label, text in (
        ("detail", diagnostic.message_detail),
        ("hint", diagnostic.message_hint),
        ("context", diagnostic.context),
    ):
        if text:
            print(f"  {label}: {text}")


def log_notice(diagnostic: Diagnostic) -> None:
    """Print a notice of the server into the run's log."""
    print(f"{diagnostic.severity}: {diagnostic.message_primary}")


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _redacted_message(code: str, diagnostic: Diagnostic) -> str:
    message = diagnostic.message_primary or ""
    if code.startswith("P0"):
        return "the database's own code raised an error; the run's log has its message"
    if code.startswith(("22", "42601")):  # these quote a value, or the text of a statement
        return re.sub('["«„“].*["»“”]', '"…"', message, flags=re.DOTALL)
    return message


def _object_names(diagnostic: Diagnostic) -> str:
    table = ".".join(filter(None, (diagnostic.schema_name, diagnostic.table_name)))
    names = [
        ("table", table),
        ("column", diagnostic.column_name),
        ("constraint", diagnostic.constraint_name),
    ]
    text = ", ".join(f"{kind} {name}" for kind, name in names if name)
    return f" ({text})" if text else ""


def _value_source(diagnostic: Diagnostic, sources: Sequence[tuple[int, str]]) -> str:
    match = _PARAMETER.search(diagnostic.context or "")
    if not match or int(match[1]) > len(sources):
        return ""
    number, column = sources[int(match[1]) - 1]
    return f", in column {column!r} of record {number}"


def _remedy(code: str, diagnostic: Diagnostic) -> str:
    if code in _INVALID_TEXT and (diagnostic.message_primary or "").endswith(': ""'):
        return 'The text is empty: write NULL instead, with set_null="".'
    hint = diagnostic.message_hint if code.startswith("42") else None
    return _REMEDIES.get(code) or hint or ""
