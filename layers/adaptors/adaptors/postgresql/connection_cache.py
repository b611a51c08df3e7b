"""One warm connection per thread and credential: looked at before it is used, as new afterwards."""

from __future__ import annotations

import hashlib
import json
import re
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import local
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from adaptors._runtime import run_context
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteUnavailable
from adaptors.postgresql import connections, error_codes
from adaptors.postgresql.connections import Connection
from adaptors.postgresql.credential import Configuration

_CANCEL_SECONDS = 2.0
_warm = local()


@dataclass(slots=True)
class Session:
    """A credential's connection, once it has one, and the transaction that is open on it.

    `seconds` is how long its statements may take, `joined` tells that the attempt at hand will end
    it, and `told` is what it has put into the run's log.
    """

    configuration: Configuration
    connection: Connection | None = None
    open: bool = False
    seconds: float | None = None
    joined: bool = False
    told: set[str] = field(default_factory=set)


class _Keeper:
    """Keeps the sessions of a thread; when that ends, and with it this, they are closed."""

    def __init__(self) -> None:
        self.sessions: dict[bytes, Session] = {}
        weakref.finalize(self, _close_all, self.sessions)


def session(state: Mapping[str, Any]) -> Session:
    """Give the session of the state's credential, warm if this thread has had it before."""
    configuration = read_credential(Configuration, state)
    if not hasattr(_warm, "keeper"):
        _warm.keeper = _Keeper()
    kept: dict[bytes, Session] = _warm.keeper.sessions
    text = json.dumps(state["configuration"], sort_keys=True, default=str)
    return kept.setdefault(hashlib.sha256(text.encode()).digest(), Session(configuration))


def start(session: Session, begin: str, seconds: float | None) -> None:
    """Begin on a connection, and on a new one if that shows that the server has closed a warm one.

    `begin` is how a transaction begins; nothing, for none at all.
    """
    warm = session.connection is not None
    if session.connection is None:
        session.connection = connections.connect(session.configuration)
    connection = session.connection
    before = "" if connection.info.transaction_status is TransactionStatus.IDLE else "ROLLBACK; "
    try:
        connection.execute((before + _beginning(begin, seconds)).encode())
    except psycopg.Error as error:
        _drop(session)
        if not warm:
            raise error_codes.judged(error) from None
        start(session, begin, seconds)


def limit(seconds: float | None) -> str:
    """Give the setting of how long a statement may take.

    >>> limit(1.5)
    'statement_timeout = 1500'
    """
    if seconds is not None and not seconds > 0:
        raise ConfigurationError("timeout= is in seconds, above 0; None is for no limit")
    return f"statement_timeout = {0 if seconds is None else max(1, round(seconds * 1000))}"


def connected(session: Session) -> Connection:
    """Give the connection on which something was begun; `RemoteUnavailable` if it is lost."""
    connection = session.connection
    if connection is None or connection.closed:
        raise RemoteUnavailable(
            "the connection to PostgreSQL was lost, and with it what this run had written"
        )
    return connection


def renew(session: Session) -> None:
    """Roll back what is open and forget settings, locks and the like; else drop the connection."""
    session.told.clear()
    connection = session.connection
    if connection is None:
        return
    status = connection.info.transaction_status
    try:
        if status is TransactionStatus.ACTIVE:  # stopped in the midst of a statement
            connection.cancel_safe(timeout=_CANCEL_SECONDS)
            _drop(session)
            return
        if status is not TransactionStatus.IDLE:
            connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")
    except psycopg.Error:
        _drop(session)


def _beginning(begin: str, seconds: float | None) -> str:
    how = "LOCAL" if begin else "SESSION"
    run = re.sub(r"[^\w#.-]", "", run_context.current_run().id)
    settings = (limit(seconds), "datestyle = ISO", f"application_name = 'openfn {run}'")
    return "; ".join(filter(None, [begin, *(f"SET {how} {each}" for each in settings)]))


def _drop(session: Session) -> None:
    connection, session.connection = session.connection, None
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()


def _close_all(sessions: dict[bytes, Session]) -> None:
    for each in sessions.values():
        _drop(each)
