"""One cached connection per thread and credential, checked before use and reset afterwards."""

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

# Shorter than the half second after which a job that exceeds its time limit is killed.
_CANCEL_SECONDS = 0.3
# The server ends a statement whose client was killed: nobody else would cancel it.
_CHECK_INTERVAL = "client_connection_check_interval"
_CHECK_INTERVAL_SINCE = 14_00_00
_thread = local()


@dataclass(slots=True)
class Session:
    """A credential's connection and the state of its transaction.

    `timeout` is the statement timeout in seconds, `joined_attempt` is true once the session ends
    with the current attempt, `logged` holds the statements that are already in the run's log, and
    `columns` what this attempt knows about the columns of tables.
    `can_check_client` is false once the server has refused to check its client's connection.
    """

    configuration: Configuration
    connection: Connection | None = None
    in_transaction: bool = False
    timeout: float | None = None
    joined_attempt: bool = False
    can_check_client: bool = True
    logged: set[str] = field(default_factory=set)
    columns: dict[str, Mapping[str, Any]] = field(default_factory=dict)


class _ThreadSessions:
    """The sessions of one thread; they are closed when the thread ends."""

    def __init__(self) -> None:
        self.by_credential: dict[bytes, Session] = {}
        weakref.finalize(self, _close_all, self.by_credential)


def session_for(state: Mapping[str, Any]) -> Session:
    """Return this thread's session for the state's credential."""
    configuration = read_credential(Configuration, state)
    if not hasattr(_thread, "sessions"):
        _thread.sessions = _ThreadSessions()
    text = json.dumps(state["configuration"], sort_keys=True, default=str)
    key = hashlib.sha256(text.encode()).digest()
    sessions: dict[bytes, Session] = _thread.sessions.by_credential
    return sessions.setdefault(key, Session(configuration))


def begin(session: Session, command: str, timeout: float | None) -> None:
    """Send the command that begins a transaction, or only the settings if it is empty.

    Connects first if necessary, and once more if the server has closed a cached connection. Sends
    the command again without the check of the client's connection if the server refuses it.
    """
    is_cached = session.connection is not None
    if session.connection is None:
        session.connection = connections.connect(session.configuration)
    connection = session.connection
    is_idle = connection.info.transaction_status is TransactionStatus.IDLE
    rollback = "" if is_idle else "ROLLBACK; "
    try:
        connection.execute((rollback + _begin_sql(session, command, timeout)).encode())
    except psycopg.Error as error:
        if session.can_check_client and _CHECK_INTERVAL in (error.diag.message_primary or ""):
            session.can_check_client = False
        else:
            _close(session)
            if not is_cached:
                raise error_codes.error_for(error) from None
        begin(session, command, timeout)


def timeout_setting(seconds: float | None) -> str:
    """Return the setting of the statement timeout.

    >>> timeout_setting(1.5)
    'statement_timeout = 1500'
    """
    if seconds is not None and not seconds > 0:
        raise ConfigurationError("timeout= must be more than 0 seconds, or None for no timeout.")
    return f"statement_timeout = {0 if seconds is None else max(1, round(seconds * 1000))}"


def open_connection(session: Session) -> Connection:
    """Return the session's open connection; raise `RemoteUnavailable` if it is lost."""
    connection = session.connection
    if connection is None or connection.closed:
        raise RemoteUnavailable(
            "The connection to PostgreSQL was lost; everything this run had written is rolled back."
        )
    return connection


def reset(session: Session) -> None:
    """Roll back and discard settings and locks; close the connection if that fails."""
    session.logged.clear()
    session.columns.clear()
    connection = session.connection
    if connection is None:
        return
    status = connection.info.transaction_status
    try:
        if status is TransactionStatus.ACTIVE:  # the run was stopped during a statement
            connection.cancel_safe(timeout=_CANCEL_SECONDS)
            _close(session)
            return
        if status is not TransactionStatus.IDLE:
            connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")
    except psycopg.Error:
        _close(session)


def _begin_sql(session: Session, command: str, timeout: float | None) -> str:
    scope = "LOCAL" if command else "SESSION"
    run_id = re.sub(r"[^\w#.-]", "", run_context.current_run().id)
    settings = (
        timeout_setting(timeout),
        "datestyle = ISO, YMD",  # never the day first or the month first, as the server is set
        f"application_name = 'openfn {run_id}'",
        *_client_check(session),
    )
    return "; ".join(filter(None, [command, *(f"SET {scope} {setting}" for setting in settings)]))


def _client_check(session: Session) -> list[str]:
    """Return the setting with which a server notices that its client is gone.

    It is no parameter of the connection, because poolers refuse those they do not know. A server
    on Windows has the setting and refuses every value.
    """
    version = open_connection(session).info.server_version
    is_supported = session.can_check_client and version >= _CHECK_INTERVAL_SINCE
    return [f"{_CHECK_INTERVAL} = '1s'"] if is_supported else []


def _close(session: Session) -> None:
    connection, session.connection = session.connection, None
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()


def _close_all(sessions: dict[bytes, Session]) -> None:
    for session in sessions.values():
        _close(session)
