"""Long random walks with faults through the embedded stack: posts, ticks, pollers, deaths.

    python -m benchmarks.simulate [STEPS [SEED]]

Each thousand steps is a walk of its own, with the next seed, that must come to rest with nothing
lost or double. Prints each seed; at a walk that fails the fewest of its steps that still fail, and
the exit status is 1.
"""

from __future__ import annotations

import random
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path

from tests.faults.walks import fails, shortest, steps_of, walk
from tests.faults.world import around

PER_WALK = 1_000


def main() -> int:
    """Walk; 1 at the first walk that fails."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory() as folder, around(Path(folder)) as world:
        for number, start in enumerate(range(0, count, PER_WALK)):
            steps = steps_of(first + number, min(PER_WALK, count - start))
            try:
                struck = walk(world, steps)
            except Exception:
                traceback.print_exc()
                print(f"seed {first + number}, in short:")
                print(*shortest(steps, partial(fails, world)), sep="\n")
                return 1
            print(f"seed {first + number}: {len(steps)} steps, {struck} faults: nothing lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
