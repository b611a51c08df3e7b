"""The transaction of a run: everything it writes is committed together, or nothing.

Before the first write, each statement that only reads has its own transaction, so that a job that
reads and then posts for minutes keeps none open. Outside of a run, each call is its own attempt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psycopg
from psycopg.pq import TransactionStatus

from adaptors._runtime import run_context
from adaptors.errors import AdaptorError, ConfigurationError
from adaptors.postgresql import connection_cache, error_codes, results
from adaptors.postgresql.connection_cache import Session, open_connection
from adaptors.postgresql.results import Result
from adaptors.postgresql.statements import Statement

_LOGGED_CHARACTERS = 1_000
# These commands only read, unless PostgreSQL objects. It does not object to a setting or a lock
# that lasts as long as its transaction: such a statement affects the statements after it.
_READ_COMMAND = re.compile(r"\s*(select|with|table|values|show)\b", re.IGNORECASE)
_ROW_COMMAND = re.compile(
    r"\s*(select|insert|update|delete|with|values|table|show)\b", re.IGNORECASE
)
_TRANSACTION_SCOPED = re.compile("set_config|advisory", re.IGNORECASE)


class _NotReadOnly(Exception):
    """A statement that seemed to only read tried to write."""


def execute(
    session: Session,
    statements: Sequence[Statement],
    timeout: float | None,
    *,
    in_transaction: bool = True,
) -> list[Result]:
    """Execute statements in the run's transaction, or one outside of any transaction.

    `timeout` is in seconds and for each statement; `None` is no timeout.
    """
    with joined(session):
        return _execute_joined(session, statements, timeout, in_transaction=in_transaction)


@contextmanager
def joined(session: Session) -> Iterator[None]:
    """Join the run's attempt; outside of one, make an attempt of what is executed inside."""
    if _join_attempt(session):
        yield
        return
    with run_context.attempt():
        _join_attempt(session)
        yield


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Undo after an error what was executed inside, so that the transaction can continue."""
    _send_command(session, "SAVEPOINT openfn")
    try:
        yield
    except AdaptorError:
        if not open_connection(session).broken:
            _send_command(session, "ROLLBACK TO SAVEPOINT openfn")
        raise
    _send_command(session, "RELEASE SAVEPOINT openfn")


def _execute_joined(
    session: Session,
    statements: Sequence[Statement],
    timeout: float | None,
    *,
    in_transaction: bool,
) -> list[Result]:
    if not in_transaction:
        return [_execute_without_transaction(session, statements[0], timeout)]
    if not session.in_transaction and len(statements) == 1 and _only_reads(statements[0].sql):
        try:
            return [_execute_read_only(session, statements[0], timeout)]
        except _NotReadOnly:
            _send_command(session, "ROLLBACK")
    ensure_transaction(session, timeout)
    return [_execute(session, statement) for statement in statements]


def commit(session: Session) -> None:
    """Commit the open transaction, if any; raise an `AdaptorError` if that fails."""
    if not session.in_transaction:
        return
    failed = open_connection(session).info.transaction_status is TransactionStatus.INERROR
    session.in_transaction = False
    _send_command(session, "ROLLBACK" if failed else "COMMIT")
    if failed:
        raise ConfigurationError(
            "The job continued after a statement failed, so everything it wrote is rolled back. "
            "Let the error end the run, or avoid the error with on_conflict= or upsert."
        )


def _join_attempt(session: Session) -> bool:
    if not session.joined_attempt:
        session.joined_attempt = run_context.on_attempt_end(
            run_context.UnitOfWork(
                partial(_commit_and_reset, session),
                partial(_roll_back, session),
                lambda: session.in_transaction,
            )
        )
    return session.joined_attempt


def _commit_and_reset(session: Session) -> None:
    commit(session)
    session.joined_attempt = False
    connection_cache.reset(session)


def _roll_back(session: Session) -> None:
    session.in_transaction = session.joined_attempt = False
    connection_cache.reset(session)


def _only_reads(sql: str) -> bool:
    return bool(_READ_COMMAND.match(sql)) and not _TRANSACTION_SCOPED.search(sql)


def _execute_without_transaction(
    session: Session, statement: Statement, timeout: float | None
) -> Result:
    if session.in_transaction:
        raise ConfigurationError(
            "This run has uncommitted changes. Put commit() before the statement with "
            "transaction=False."
        )
    connection_cache.begin(session, "", timeout)
    return _execute(session, statement)


def _execute_read_only(session: Session, statement: Statement, timeout: float | None) -> Result:
    connection_cache.begin(session, "BEGIN READ ONLY", timeout)
    result = _execute(session, statement, read_only=True)
    _send_command(session, "COMMIT")
    return result


def ensure_transaction(session: Session, timeout: float | None) -> None:
    """Begin the run's transaction if none is open, and set the statement timeout."""
    if not session.in_transaction:
        connection_cache.begin(session, "BEGIN", timeout)
        session.in_transaction = True
    elif timeout != session.timeout:
        _send_command(session, f"SET LOCAL {connection_cache.timeout_setting(timeout)}")
    session.timeout = timeout


def _execute(session: Session, statement: Statement, *, read_only: bool = False) -> Result:
    connection = open_connection(session)
    _log_once(session, statement.display_sql)
    if not _ROW_COMMAND.match(statement.sql):
        session.columns.clear()  # it may alter a table
    is_raw = statement.placeholder == "$" and statement.values is not None
    cursor = psycopg.RawCursor(connection) if is_raw else connection.cursor()
    try:
        cursor.execute(statement.sql.encode(), statement.values)
        result = results.read_result(cursor)
    except psycopg.Error as error:
        if read_only and error.sqlstate == error_codes.READ_ONLY_TRANSACTION:
            raise _NotReadOnly from None
        raise error_codes.error_for(error, statement.sources) from None
    if connection.info.transaction_status is TransactionStatus.IDLE:
        session.in_transaction = False  # the statement itself was a COMMIT
    return result


def _log_once(session: Session, display_sql: str) -> None:
    if display_sql not in session.logged:
        session.logged.add(display_sql)
        print(display_sql[:_LOGGED_CHARACTERS])


def _send_command(session: Session, text: str) -> None:
    try:
        open_connection(session).execute(text.encode())
    except psycopg.Error as error:
        raise error_codes.error_for(error) from None
