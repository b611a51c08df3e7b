"""Measure how long 10,000 records take to write into PostgreSQL, in bulk and one by one.

Statements are counted on the wire, including those that begin and end the transaction; each is one
round trip. The server listens on a socket of this machine, so a distant server adds its network
latency to each statement.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg

from adaptors._runtime import run_context
from adaptors.common import each
from adaptors.operations import Operation
from adaptors.postgresql import insert, insert_many, upsert, upsert_many
from openfn.jobs import output_capture
from tests.support import postgres_proxy, postgresql

ROWS = 10_000
ROUNDS = 5
TABLE = """
drop table if exists visits;
create table visits (id int primary key, name text, day date, age int, extra jsonb)
"""
FILL = "insert into visits (id) select generate_series(0, %s - 1)"
OPERATIONS: dict[str, tuple[Operation, bool]] = {
    "insert_many": (insert_many("visits", lambda state: state["data"]), False),
    "insert in each": (each("[*]", insert("visits", lambda state: state["data"])), False),
    "upsert_many": (upsert_many("visits", "id", lambda state: state["data"]), True),
    "upsert in each": (each("[*]", upsert("visits", "id", lambda state: state["data"])), True),
}


def main() -> None:
    """Print a line for each operation; the upserts update existing rows."""
    records = [
        {"id": n, "name": f"Amina {n}", "day": "2026-03-09", "age": str(n % 90), "extra": {"n": n}}
        for n in range(ROWS)
    ]
    print(f"Writing {ROWS:,} records of 5 columns in one run")
    print(f"{'':<16}{'ms':>8}{'rows/s':>10}{'statements':>12}")
    with postgresql.running() as uri:
        folder = uri.split("host=")[1]
        for name, (operation, has_rows) in OPERATIONS.items():
            attempt = _prepare_attempt(uri, operation, records, has_rows=has_rows)
            times = [attempt(folder, 5432) for _ in range(ROUNDS)]
            with postgres_proxy.running(folder) as proxy:
                attempt("127.0.0.1", proxy.port)
                count = len(proxy.statements)
            median = statistics.median(times)
            print(f"{name:<16}{median * 1000:>8,.0f}{ROWS / median:>10,.0f}{count:>12,}")


def _prepare_attempt(
    uri: str, operation: Operation, records: list[dict[str, Any]], *, has_rows: bool
) -> Callable[[str, int], float]:
    def attempt(host: str, port: int) -> float:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(TABLE)
            if has_rows:
                connection.execute(FILL, [ROWS])
        address = {"host": host, "port": port, "database": "postgres", "ssl": False}
        login = {"user": postgresql.CLERK, "password": postgresql.PASSWORD}
        state = {"configuration": address | login, "data": records}
        with output_capture.capture(len):
            start_time = time.perf_counter()
            with run_context.attempt():
                operation(state)
            return time.perf_counter() - start_time

    return attempt


if __name__ == "__main__":
    main()
