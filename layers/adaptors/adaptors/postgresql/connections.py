"""How a credential becomes a connection: TLS, time-outs, and what is read as what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import certifi
import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import make_conninfo
from psycopg.types.string import TextLoader

from adaptors.postgresql import error_codes
from adaptors.postgresql.credential import Configuration

Connection = psycopg.Connection[tuple[Any, ...]]
# A server that is gone is noticed within ten seconds when sending, or a minute when waiting.
_FIXED: dict[str, Any] = {
    "application_name": "openfn",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "gssencmode": "disable",
}
# All else is read as the text PostgreSQL writes: it knows dates that Python does not.
_NUMBERS = {"int2", "int4", "int8", "float4", "float8", "numeric"}
_PARSED = _NUMBERS | {"bool", "json", "jsonb", "bytea"}


def connect(configuration: Configuration) -> Connection:
    """Connect to a credential's database; an `AdaptorError` says why that is not possible."""
    with _tls(configuration) as tls:
        text = make_conninfo("", **_FIXED, **_told(configuration), **tls)
        try:
            connection = psycopg.connect(
                text,
                autocommit=True,
                prepare_threshold=None,  # a pooler in between loses named statements
                context=_adapters(),
            )
        except psycopg.Error as error:
            raise error_codes.unreachable(error, configuration) from None
    connection.add_notice_handler(error_codes.notice)
    return connection


def _told(configuration: Configuration) -> dict[str, Any]:
    password = configuration.password.get_secret_value() if configuration.password else None
    return {
        "host": configuration.host,
        "port": configuration.port,
        "dbname": configuration.database,
        "user": configuration.user,
        "password": password,
    }


@contextmanager
def _tls(configuration: Configuration) -> Iterator[dict[str, str]]:
    """Give what libpq is told of TLS; it takes certificates from files, and only while connecting.

    Each file is named even where there is none, lest it looks into the user's home.
    """
    given = configuration.ssl if isinstance(configuration.ssl, dict) else {}
    ca = given.get("ca") or configuration.ca
    key = given.get("key") or (configuration.key and configuration.key.get_secret_value())
    mode = _mode(configuration, given, ca)
    files = {"sslcert": given.get("cert") or configuration.cert, "sslkey": key}
    if mode == "verify-full":
        files["sslrootcert"] = ca or Path(certifi.where()).read_text("utf-8")
    with TemporaryDirectory(prefix="postgresql") as folder:
        for name, content in files.items():
            if content:
                path = Path(folder, name)
                path.touch(mode=0o600)
                path.write_text(content.replace("\\n", "\n"), "utf-8")
        names = ("sslcert", "sslkey", "sslrootcert", "passfile")
        yield {"sslmode": mode} | {each: str(Path(folder, each)) for each in names}


def _mode(configuration: Configuration, given: dict[str, Any], ca: str | None) -> str:
    if configuration.ssl is False:
        return "disable"
    if configuration.allow_self_signed_cert or given.get("rejectUnauthorized") is False:
        return "require"
    return "require" if configuration.ssl is None and not ca else "verify-full"


def _adapters() -> AdaptersMap:
    found = AdaptersMap(psycopg.adapters)
    for info in psycopg.postgres.types:
        if info.name not in _PARSED:
            found.register_loader(info.oid, TextLoader)
    return found
