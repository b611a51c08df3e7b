"""Compare the time to find a message's triggers with the time to parse the message.

The unit is `json.loads` with exact numbers, measured beside the index. Each round runs every engine
in turn and parses the message again; all engines must find the same triggers. PostgreSQL has the
fragments in a table, and its time includes the round trip.
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

from benchmarks.support import bodies, trigger_sets
from benchmarks.support.trigger_sets import INBOX
from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger
from tests.support import brute_force_matcher, postgresql
from workbench.project import index_builder

Engine = Callable[[Any], list[int]]

SIZES = (1, 10, 100, 1_000, 10_000)
ROUNDS = 9
BURST_SECONDS = 0.02
SETS = (
    ("Kobo, 1 KB", bodies.kobo(), trigger_sets.kobo, 1),
    ("CommCare, 20 KB", bodies.commcare(), trigger_sets.commcare, 1),
    ("hard, Kobo, 1 KB", bodies.kobo(), trigger_sets.hard, 5),
    ("hard, in an array of CommCare's", bodies.commcare(), trigger_sets.hard_elements, 5),
    ("CommCare with 1,000 people", bodies.commcare(1_000), trigger_sets.commcare, 1),
)
QUERY = "select number from fragments where inbox and %s::jsonb @> fragment order by number"


def main() -> None:
    """Print a table for each set of triggers, and the size of the largest index."""
    print("Finding the triggers of a parsed message; 1 is json.loads(text, parse_float=Decimal)")
    with ExitStack() as context:
        uri = context.enter_context(postgresql.running())
        connection = context.enter_context(psycopg.connect(uri, autocommit=True))
        for name, body, create_triggers, budget in SETS:
            text = json.dumps(body)
            print(f"\n{name} ({len(text):,} bytes; budget of the index at 10,000: {budget})")
            print(
                f"{'triggers':>9} {'match':>6} {'index':>9} {'brute force':>11} {'PostgreSQL':>11}"
            )
            for size in SIZES:
                print(_row(create_triggers(size, body), text, connection))
            print(_index_size(create_triggers(SIZES[-1], body)))


def _row(triggers: list[MessageTrigger], text: str, connection: psycopg.Connection[Any]) -> str:
    prepared_index = trigger_index.load(index_builder.build_index(triggers))
    _fill(connection, triggers)
    engines: dict[str, Engine] = {
        "index": lambda body: prepared_index.matching(INBOX, body),
        "brute force": lambda body: brute_force_matcher.matching_positions(triggers, INBOX, body),
        "postgresql": lambda _: [
            number for (number,) in connection.execute(QUERY, [text], prepare=True)
        ],
    }
    matches = {name: engine(_parse(text)) for name, engine in engines.items()}
    if not matches["index"] == matches["brute force"] == matches["postgresql"]:
        raise AssertionError(f"the engines differ: {matches}")
    rounds = [
        {name: _burst(engine, text) for name, engine in engines.items()} for _ in range(ROUNDS)
    ]
    parsing = statistics.median(times["index"][0] for times in rounds)
    indexed, brute_force, sql = (
        statistics.median(times[name][1] for times in rounds) / parsing for name in engines
    )
    size, count = len(triggers), len(matches["index"])
    return f"{size:>9,} {count:>6} {indexed:>9.2f} {brute_force:>11.2f} {sql:>11.2f}"


def _burst(engine: Engine, text: str) -> tuple[float, float]:
    """Return the median times of parsing and of matching in a burst of messages."""
    clock = time.perf_counter
    parsing, matching = [], []
    end = clock() + BURST_SECONDS
    while not parsing or clock() < end:
        start_time = clock()
        body = _parse(text)
        parsed_time = clock()
        engine(body)
        matching.append(clock() - parsed_time)
        parsing.append(parsed_time - start_time)
    return statistics.median(parsing), statistics.median(matching)


def _parse(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _fill(connection: psycopg.Connection[Any], triggers: list[MessageTrigger]) -> None:
    connection.execute("drop table if exists fragments")
    connection.execute("create table fragments (number int, inbox boolean, fragment jsonb)")
    with connection.cursor() as cursor, cursor.copy("copy fragments from stdin") as copy:
        for number, trigger in enumerate(triggers):
            fragment = json.dumps(trigger.inclusions[0])
            copy.write_row((number, trigger.inbox in {None, INBOX}, fragment))
    connection.execute("analyze fragments")


def _index_size(triggers: list[MessageTrigger]) -> str:
    prepared = json.dumps(index_builder.build_index(triggers), separators=(",", ":"))
    times = []
    for _ in range(ROUNDS):
        start_time = time.perf_counter()
        trigger_index.load(_parse(prepared))
        times.append(time.perf_counter() - start_time)
    load = statistics.median(times) * 1000
    size = len(prepared) / 1000
    return f"the index of {len(triggers):,} has {size:,.0f} KB and loads in {load:.0f} ms"


if __name__ == "__main__":
    main()
