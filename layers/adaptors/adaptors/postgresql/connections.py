"""Open a connection with a credential: TLS, timeouts and column types."""

from __future__ import annotations

import ssl
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

from adaptors.errors import ConfigurationError
from adaptors.postgresql import error_codes
from adaptors.postgresql.credential import Configuration

Connection = psycopg.Connection[tuple[Any, ...]]
# A lost server is noticed within ten seconds when sending, and within a minute when waiting.
_PARAMETERS: dict[str, Any] = {
    "application_name": "openfn",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "gssencmode": "disable",
}
# Other types are read as PostgreSQL's own text: it has dates that Python cannot represent.
_NUMERIC_TYPES = {"int2", "int4", "int8", "float4", "float8", "numeric"}
_PARSED_TYPES = _NUMERIC_TYPES | {"bool", "json", "jsonb", "bytea"}
# RFC 6761: names that end so never exist, so that waiting for the server is useless.
_RESERVED = ".invalid"


def connect(configuration: Configuration) -> Connection:
    """Connect to a credential's database, or raise an `AdaptorError`."""
    if configuration.host.lower().endswith(_RESERVED):
        raise ConfigurationError(
            f"The host {configuration.host} is a placeholder: no server can have this name. Write "
            "the host of your PostgreSQL server into the credential."
        )
    with _tls_parameters(configuration) as tls:
        text = make_conninfo("", **_PARAMETERS, **_login_parameters(configuration), **tls)
        try:
            connection = psycopg.connect(
                text,
                autocommit=True,
                prepare_threshold=None,  # a connection pooler loses named statements
                context=_adapters(),
            )
        except psycopg.Error as error:
            raise error_codes.connection_error(error, configuration) from None
    connection.add_notice_handler(error_codes.log_notice)
    return connection


def _login_parameters(configuration: Configuration) -> dict[str, Any]:
    password = configuration.password.get_secret_value() if configuration.password else None
    return {
        "host": configuration.host,
        "port": configuration.port,
        "dbname": configuration.database,
        "user": configuration.user,
        "password": password,
    }


@contextmanager
def _tls_parameters(configuration: Configuration) -> Iterator[dict[str, str]]:
    """Write certificates to files and yield libpq's TLS parameters; it accepts only files.

    Missing files are named too, because libpq would otherwise read the user's home.
    """
    options = configuration.ssl if isinstance(configuration.ssl, dict) else {}
    key = options.get("key") or (configuration.key and configuration.key.get_secret_value())
    mode = _ssl_mode(configuration, options)
    files = {"sslcert": options.get("cert") or configuration.cert, "sslkey": key}
    if mode == "verify-full":
        ca = options.get("ca") or configuration.ca
        files["sslrootcert"] = ca or _system_authorities()
    with TemporaryDirectory(prefix="postgresql") as folder:
        for parameter, content in files.items():
            if content:
                path = Path(folder, parameter)
                path.touch(mode=0o600)
                path.write_text(content.replace("\\n", "\n"), "utf-8")
        parameters = ("sslcert", "sslkey", "sslrootcert", "passfile")
        paths = {parameter: str(Path(folder, parameter)) for parameter in parameters}
        yield {"sslmode": mode} | _login_restrictions(configuration, mode) | paths


def _ssl_mode(configuration: Configuration, options: dict[str, Any]) -> str:
    if configuration.ssl is False:
        return "disable"
    if configuration.allow_self_signed_cert or options.get("rejectUnauthorized") is False:
        return "require"
    return "verify-full"


def _system_authorities() -> str:
    # libpq's own `sslrootcert=system` looks in the folder in which psycopg's wheel was built.
    return Path(ssl.get_default_verify_paths().cafile or certifi.where()).read_text("utf-8")


def _login_restrictions(configuration: Configuration, mode: str) -> dict[str, str]:
    """Return `require_auth` for a server that nobody verified.

    It could choose a login that sends the password in clear or as MD5. With SCRAM it learns no
    password, and must know the user's to be believed. libpq binds SCRAM to the TLS connection
    whenever the server offers that.
    """
    is_socket = configuration.host.startswith(("/", "@")) and "," not in configuration.host
    return {} if mode == "verify-full" or is_socket else {"require_auth": "scram-sha-256"}


def _adapters() -> AdaptersMap:
    adapters = AdaptersMap(psycopg.adapters)
    for info in psycopg.postgres.types:
        if info.name not in _PARSED_TYPES:
            adapters.register_loader(info.oid, TextLoader)
    return adapters
