"""Let every AWS call of the fault tests' scenarios fail in every way: alone, and two together.

    python -m benchmarks.enumerate_faults {singles|pairs} [SECONDS [SEED]]

`singles` are all faults of the short scenarios, and a sample of the long ones. `pairs` are all
pairs of faults of the three shortest scenarios, and a sample of the others. Samples are random
and take SECONDS. The processors share the work. The output has the figures of each
scenario; after a fault that breaks a promise the exit status is 1.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.faults import enumeration
from tests.faults.scenarios import LONG, SCENARIOS, SHORT, SHORTEST
from tests.faults.simulation import simulate

Scenario = Callable[[Any], None]
Faults = tuple[Any, ...]
SECONDS = 200.0


def main() -> int:
    """Run one part on all processors; return 1 if a promise was broken."""
    part = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**6)
    workers = os.cpu_count() or 1
    started = time.monotonic()
    arguments = [(part, seed, seconds, worker, workers) for worker in range(workers)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        results = pool.starmap(_run_share, arguments, chunksize=1)
    tried = sum((counts for counts, _, _ in results), Counter[str]())
    failures = [failure for _, own, _ in results for failure in own]
    print(*(f"{name}: {count}" for name, count in tried.items()), *failures, sep="\n")
    cpu_seconds = sum(seconds for _, _, seconds in results)
    print(
        f"{part}, seed {seed}: {len(SCENARIOS)} scenarios, {sum(tried.values())} repetitions, "
        f"{cpu_seconds:.0f} s of CPU, {time.monotonic() - started:.0f} s, {len(failures)} failures"
    )
    return 1 if failures else 0


def _run_share(
    part: str, seed: int, seconds: float, worker: int, workers: int
) -> tuple[Counter[str], list[str], float]:
    """Run one worker's share; return the repetitions by scenario, the failures and the CPU time."""
    tried, failures = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder, simulate(Path(folder)) as simulation:
        complete = _singles if part == "singles" else _pairs
        for scenario in SHORT if part == "singles" else SHORTEST:
            for faults in complete(simulation, scenario, worker, workers):
                _try(simulation, scenario, faults, failures)
                tried[f"all of {scenario.__name__}"] += 1
        sampled = LONG if part == "singles" else tuple(s for s in SCENARIOS if s not in SHORTEST)
        dice = random.Random(f"{seed} {worker}")
        end = time.monotonic() + seconds
        for scenario, faults in _samples(simulation, sampled, 1 + (part == "pairs"), dice):
            if time.monotonic() > end:
                break
            _try(simulation, scenario, faults, failures)
            tried[f"sample of {scenario.__name__}"] += 1
    return tried, failures, time.process_time()


def _singles(simulation: Any, scenario: Scenario, worker: int, workers: int) -> Iterator[Faults]:
    faults = enumeration.single_faults(enumeration.trace(simulation, scenario))
    yield from islice(((fault,) for fault in faults), worker, None, workers)


def _pairs(simulation: Any, scenario: Scenario, worker: int, workers: int) -> Iterator[Faults]:
    """Yield all pairs whose first fault is this worker's; the calls behind it depend on it."""
    for (first,) in _singles(simulation, scenario, worker, workers):
        calls = _calls_after(simulation, scenario, first)
        for second in enumeration.single_faults(calls, first[0] + 1):
            yield first, second


def _samples(
    simulation: Any, scenarios: tuple[Scenario, ...], count: int, dice: random.Random
) -> Iterator[tuple[Scenario, Faults]]:
    singles = {
        scenario: enumeration.single_faults(enumeration.trace(simulation, scenario))
        for scenario in scenarios
    }
    while True:
        for scenario, faults in singles.items():
            first = dice.choice(faults)
            if count == 1:
                yield scenario, (first,)
                continue
            calls = _calls_after(simulation, scenario, first)
            if later := enumeration.single_faults(calls, first[0] + 1):
                yield scenario, (first, dice.choice(later))


def _calls_after(simulation: Any, scenario: Scenario, first: Any) -> list[Any]:
    """Return the calls of a scenario with a fault; none if that alone breaks a promise."""
    try:
        enumeration.run(simulation, scenario, first)
    except Exception:
        return []
    calls: list[Any] = simulation.network.calls
    return calls


def _try(simulation: Any, scenario: Scenario, faults: Faults, failures: list[str]) -> None:
    try:
        enumeration.run(simulation, scenario, *faults)
    except Exception as error:
        text = " ".join(str(error).split())[:400]
        failures.append(f"FAILED {type(error).__name__}: {text} | {'; '.join(error.__notes__)}")


if __name__ == "__main__":
    sys.exit(main())
