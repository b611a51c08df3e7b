"""An empty PostgreSQL database, and the state of a job that writes into it."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg

from tests.support.postgresql import CLERK, PASSWORD


@contextmanager
def empty_database(uri, *statements):
    """Empty the database and yield a connection that is independent of the job's."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        for statement in statements:
            connection.execute(statement)
        yield connection


def socket_folder(uri):
    """Return the folder of the server's Unix socket, which libpq accepts as a host."""
    return uri.split("host=")[1]


def proxied_state(port, **options):
    """Return a job's state with a credential for a proxy, whose user has to log in."""
    return state_for("127.0.0.1", port=port, **{"user": CLERK, **options})


def state_for(host, data=None, **options):
    """Return a job's state with a credential for the database; `options` are more of its keys."""
    credential = {"host": host, "database": "postgres", "user": "postgres", "password": PASSWORD}
    return {"configuration": credential | options, "data": data, "references": []}
