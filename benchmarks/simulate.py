"""Run long random walks of posts, ticks, polls, crashes and faults in the embedded stack.

    python -m benchmarks.simulate [STEPS [SEED]]

Every thousand steps are one walk with its own seed. It must end with no message lost and none
delivered twice. If a walk fails, its shortest failing sequence of steps is printed, and the exit
status is 1.
"""

from __future__ import annotations

import random
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path

from tests.faults.random_walk import fails, random_steps, shortest, walk
from tests.faults.simulation import simulate

PER_WALK = 1_000


def main() -> int:
    """Run the walks; return 1 at the first that fails."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    first_seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory() as folder, simulate(Path(folder)) as simulation:
        for number, start in enumerate(range(0, count, PER_WALK)):
            steps = random_steps(first_seed + number, min(PER_WALK, count - start))
            try:
                faults = walk(simulation, steps)
            except Exception:
                traceback.print_exc()
                print(f"seed {first_seed + number} failed; the shortest steps that fail:")
                print(*shortest(steps, partial(fails, simulation)), sep="\n")
                return 1
            print(f"seed {first_seed + number}: {len(steps)} steps, {faults} faults, nothing lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
