"""What it costs to write 10,000 records into PostgreSQL, all at once and one by one.

Statements are counted on the wire, which also begins and ends the transaction; each is one way to
the server and back. Times are of a server on a socket of this machine: far away each statement
costs the way there on top.
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
from tests.adaptors.wire import wired
from tests.support import postgresql

ROWS = 10_000
ROUNDS = 5
TABLE = """
drop table if exists visits;
create table visits (id int primary key, name text, day date, age int, extra jsonb)
"""
FILL = "insert into visits (id) select generate_series(0, %s - 1)"
WAYS: dict[str, tuple[Operation, bool]] = {
    "insert_many": (insert_many("visits", lambda state: state["data"]), False),
    "insert in each": (each("[*]", insert("visits", lambda state: state["data"])), False),
    "upsert_many": (upsert_many("visits", "id", lambda state: state["data"]), True),
    "upsert in each": (each("[*]", upsert("visits", "id", lambda state: state["data"])), True),
}


def main() -> None:
    """Print a line for each way; the upserts meet rows that are there already."""
    records = [
        {"id": n, "name": f"Amina {n}", "day": "2026-03-09", "age": str(n % 90), "extra": {"n": n}}
        for n in range(ROWS)
    ]
    print(f"Writing {ROWS:,} records of 5 columns in one run")
    print(f"{'':<16}{'ms':>8}{'rows/s':>10}{'statements':>12}")
    with postgresql.running() as uri:
        folder = uri.split("host=")[1]
        for name, (operate, there) in WAYS.items():
            attempt = _attempt(uri, operate, records, there=there)
            times = [attempt(folder, 5432) for _ in range(ROUNDS)]
            with wired(folder) as wire:
                attempt("127.0.0.1", wire.port)
                count = len(wire.statements)
            took = statistics.median(times)
            print(f"{name:<16}{took * 1000:>8,.0f}{ROWS / took:>10,.0f}{count:>12,}")


def _attempt(
    uri: str, operate: Operation, records: list[dict[str, Any]], *, there: bool
) -> Callable[[str, int], float]:
    def attempt(host: str, port: int) -> float:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(TABLE)
            if there:
                connection.execute(FILL, [ROWS])
        configuration = {"host": host, "port": port, "database": "postgres", "user": "postgres"}
        state = {"configuration": configuration | {"ssl": False}, "data": records}
        with output_capture.capture(len):
            began = time.perf_counter()
            with run_context.attempting():
                operate(state)
            return time.perf_counter() - began

    return attempt


if __name__ == "__main__":
    main()
