"""The transaction of a run: what it writes is committed together, or not at all.

What only reads while nothing is written yet is a transaction of its own, so that a job that reads
and then posts for minutes keeps none open. Outside of a run each call is an attempt of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import psycopg
from psycopg.pq import TransactionStatus

from adaptors._runtime import run_context
from adaptors.errors import ConfigurationError
from adaptors.postgresql import connection_cache, error_codes, results
from adaptors.postgresql.connection_cache import Session, connected
from adaptors.postgresql.results import Result
from adaptors.postgresql.statements import Statement

_SHOWN = 1_000
# What begins so only reads, unless PostgreSQL objects. It does not object to a setting or a lock
# that lasts as long as its transaction: such a statement is for what comes after it.
_READS = re.compile(r"\s*(select|with|table|values|show)\b", re.IGNORECASE)
_LASTS = re.compile("set_config|advisory", re.IGNORECASE)


class _Writes(Exception):
    """A statement that seemed to read only does not."""


def execute(
    session: Session, made: Sequence[Statement], seconds: float | None, *, alone: bool = False
) -> list[Result]:
    """Execute statements in the run's transaction, or with `alone` one in none.

    `seconds` is how long each may take, `None` as long as it likes.
    """
    if not _joined(session):
        with run_context.attempt():
            return execute(session, made, seconds, alone=alone)
    if alone:
        return [_alone(session, made[0], seconds)]
    if not session.open and len(made) == 1 and _only_reads(made[0].sql):
        try:
            return [_read(session, made[0], seconds)]
        except _Writes:
            _command(session, "ROLLBACK")
    _begin(session, seconds)
    return [_executed(session, each) for each in made]


def commit(session: Session) -> None:
    """Commit what is open; an `AdaptorError` says why it cannot be."""
    if not session.open:
        return
    failed = connected(session).info.transaction_status is TransactionStatus.INERROR
    session.open = False
    _command(session, "ROLLBACK" if failed else "COMMIT")
    if failed:
        raise ConfigurationError(
            "a statement failed and the job went on: nothing of what it wrote is kept; let the "
            "error end the run, or avoid it, with on_conflict= or upsert"
        )


def _joined(session: Session) -> bool:
    if not session.joined:
        finish, undo = partial(_finish, session), partial(_undo, session)
        session.joined = run_context.on_attempt_end(
            run_context.UnitOfWork(finish, undo, lambda: session.open)
        )
    return session.joined


def _finish(session: Session) -> None:
    commit(session)
    session.joined = False
    connection_cache.renew(session)


def _undo(session: Session) -> None:
    session.open = session.joined = False
    connection_cache.renew(session)


def _only_reads(sql: str) -> bool:
    return bool(_READS.match(sql)) and not _LASTS.search(sql)


def _alone(session: Session, statement: Statement, seconds: float | None) -> Result:
    if session.open:
        raise ConfigurationError(
            "this run has written something that is not committed yet: put commit() before "
            "what is to be executed in no transaction"
        )
    connection_cache.start(session, "", seconds)
    return _executed(session, statement)


def _read(session: Session, statement: Statement, seconds: float | None) -> Result:
    connection_cache.start(session, "BEGIN READ ONLY", seconds)
    found = _executed(session, statement, reading=True)
    _command(session, "COMMIT")
    return found


def _begin(session: Session, seconds: float | None) -> None:
    if not session.open:
        connection_cache.start(session, "BEGIN", seconds)
        session.open = True
    elif seconds != session.seconds:
        _command(session, f"SET LOCAL {connection_cache.limit(seconds)}")
    session.seconds = seconds


def _executed(session: Session, statement: Statement, *, reading: bool = False) -> Result:
    connection = connected(session)
    if statement.shown not in session.told:
        session.told.add(statement.shown)
        print(statement.shown[:_SHOWN])
    raw = statement.style == "$" and statement.values is not None
    cursor = psycopg.RawCursor(connection) if raw else connection.cursor()
    try:
        found = results.read(cursor.execute(statement.sql.encode(), statement.values))
    except psycopg.Error as error:
        if reading and error.sqlstate == error_codes.READ_ONLY:
            raise _Writes from None
        raise error_codes.judged(error, statement.bound) from None
    if connection.info.transaction_status is TransactionStatus.IDLE:
        session.open = False  # the statement itself was a COMMIT
    return found


def _command(session: Session, text: str) -> None:
    try:
        connected(session).execute(text.encode())
    except psycopg.Error as error:
        raise error_codes.judged(error) from None
