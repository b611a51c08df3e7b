"""What it costs to find the triggers of a message that is parsed, against parsing it.

The floor is `json.loads` with exact numbers, measured beside the index. Every engine has its turn
in every round, each message is parsed anew, and all must find the same. PostgreSQL has the
fragments in a table; its time includes the way there and back.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import psycopg

from benchmarks import bodies, trigger_sets
from benchmarks.trigger_sets import INBOX
from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger
from tests.support import brute_force_matcher, postgresql
from workbench.project import index_builder

Engine = Callable[[Any], list[int]]

SIZES = (1, 10, 100, 1_000, 10_000)
ROUNDS = 9
BURST = 0.02
SETS = (
    ("Kobo, 1 KB", bodies.kobo(), trigger_sets.kobo, 1),
    ("CommCare, 20 KB", bodies.commcare(), trigger_sets.commcare, 1),
    ("hard, Kobo, 1 KB", bodies.kobo(), trigger_sets.hard, 5),
    ("hard, in an array of CommCare's", bodies.commcare(), trigger_sets.hard_elements, 5),
    ("CommCare with 1,000 people", bodies.commcare(1_000), trigger_sets.commcare, 1),
)
ASK = "select number from fragments where inbox and %s::jsonb @> fragment order by number"


def main() -> None:
    """Print a table for each set of triggers, and what the index of the largest costs to have."""
    print("Finding the triggers of a parsed message; 1 is json.loads(text, parse_float=Decimal)")
    with ExitStack() as context:
        uri = context.enter_context(postgresql.running())
        connection = context.enter_context(psycopg.connect(uri, autocommit=True))
        for name, body, make, budget in SETS:
            text = json.dumps(body)
            print(f"\n{name} ({len(text):,} bytes; budget of the index at 10,000: {budget})")
            print(
                f"{'triggers':>9} {'found':>6} {'index':>9} {'plain loop':>11} {'PostgreSQL':>11}"
            )
            for size in SIZES:
                print(_row(make(size, body), text, connection))
            print(_having(make(SIZES[-1], body)))


def _row(triggers: list[MessageTrigger], text: str, connection: psycopg.Connection[Any]) -> str:
    made = trigger_index.load(index_builder.prepare(triggers))
    _fill(connection, triggers)
    engines: dict[str, Engine] = {
        "index": lambda body: made.matching(INBOX, body),
        "plain": lambda body: brute_force_matcher.matching_positions(triggers, INBOX, body),
        "postgresql": lambda _: [each for (each,) in connection.execute(ASK, [text], prepare=True)],
    }
    found = {name: engine(_parsed(text)) for name, engine in engines.items()}
    if found["index"] != found["plain"] or found["index"] != found["postgresql"]:
        raise AssertionError(f"the engines differ: {found}")
    rounds = [
        {name: _burst(engine, text) for name, engine in engines.items()} for _ in range(ROUNDS)
    ]
    floor = statistics.median(each["index"][0] for each in rounds)
    index_, plain_, sql = (
        statistics.median(each[name][1] for each in rounds) / floor for name in engines
    )
    size = len(triggers)
    return f"{size:>9,} {len(found['index']):>6} {index_:>9.2f} {plain_:>11.2f} {sql:>11.2f}"


def _burst(engine: Engine, text: str) -> tuple[float, float]:
    """Give the medians of parsing and of matching, of as many messages as a moment allows."""
    clock = time.perf_counter
    parsing, matching = [], []
    end = clock() + BURST
    while not parsing or clock() < end:
        began = clock()
        body = _parsed(text)
        parsed = clock()
        engine(body)
        matching.append(clock() - parsed)
        parsing.append(parsed - began)
    return statistics.median(parsing), statistics.median(matching)


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _fill(connection: psycopg.Connection[Any], triggers: list[MessageTrigger]) -> None:
    connection.execute("drop table if exists fragments")
    connection.execute("create table fragments (number int, inbox boolean, fragment jsonb)")
    with connection.cursor() as cursor, cursor.copy("copy fragments from stdin") as copy:
        for number, each in enumerate(triggers):
            copy.write_row((number, each.inbox in {None, INBOX}, json.dumps(each.inclusion)))
    connection.execute("analyze fragments")


def _having(triggers: list[MessageTrigger]) -> str:
    prepared = json.dumps(index_builder.prepare(triggers), separators=(",", ":"))
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        trigger_index.load(_parsed(prepared))
        times.append(time.perf_counter() - began)
    load = statistics.median(times) * 1000
    size = len(prepared) / 1000
    return f"the index of {len(triggers):,} has {size:,.0f} KB and loads in {load:.0f} ms"


if __name__ == "__main__":
    main()
