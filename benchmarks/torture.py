"""Repeat all random tests with new seeds, for up to 20 minutes.

    python -m benchmarks.torture [MINUTES [SEED]]

Each round has its own seed and four parts: random walks, hostile requests to the inboxes, every AWS
call failing in every way, and the property tests with many examples. The command of each part is
printed, so that a failure can be repeated. The first failure ends the run with exit status 1.
"""

from __future__ import annotations

import random
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTEST = ("-m", "pytest", "-q")
Arguments = tuple[str, ...]


def main() -> int:
    """Run the parts until the time is up; return 1 at the first failure."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    end, longest = time.monotonic() + 60 * minutes, 0.0
    for arguments in _parts(seed):
        started = time.monotonic()
        if started + longest > end:
            break
        print(f"python {shlex.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode:
            print(f"failed: python {shlex.join(arguments)}")
            return 1
        longest = max(longest, time.monotonic() - started)
    print(f"nothing failed; the first seed was {seed}")
    return 0


def _parts(first_seed: int) -> Iterator[Arguments]:
    profile = ("--hypothesis-profile", "torture", "--hypothesis-seed")
    for seed in map(str, count(first_seed)):
        yield "-m", "benchmarks.simulate", "2000", seed
        yield "-m", "benchmarks.fuzz_inbox", "2000", seed
        yield *PYTEST, "tests/faults", "--fault-seed", seed
        yield *PYTEST, *profile, seed, *_property_tests()


def _property_tests() -> list[str]:
    modules = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        str(path.relative_to(ROOT))
        for path in modules
        if "from hypothesis" in path.read_text("utf-8")
    ]


if __name__ == "__main__":
    sys.exit(main())
