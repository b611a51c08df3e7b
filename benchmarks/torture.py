"""Run all long and random tests with new seeds, in about 20 minutes.

    python -m benchmarks.torture [SEED]

Each series prints its own figures. Its command is printed before, so that a failure can be
repeated, and its result and duration behind. All series run even if one fails; then the exit
status is 1. A new series is a line of `_series`.
"""

from __future__ import annotations

import random
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Arguments = tuple[str, ...]


def main() -> int:
    """Run all series; return 1 if one of them failed."""
    seed = sys.argv[1] if len(sys.argv) > 1 else str(random.SystemRandom().randrange(10**6))
    failed, started = list[str](), time.monotonic()
    for name, arguments in _series(seed).items():
        print(f"{name}: python {shlex.join(arguments)}", flush=True)
        began = time.monotonic()
        status = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
        if status:
            failed.append(name)
        result = "FAILED" if status else "passed"
        print(f"{name}: {result} in {time.monotonic() - began:.0f} s\n", flush=True)
    minutes = (time.monotonic() - started) / 60
    print(f"seed {seed}, {minutes:.0f} minutes; failed: {', '.join(failed) or 'no series'}")
    return 1 if failed else 0


def _series(seed: str) -> dict[str, Arguments]:
    """Return the arguments of Python for each series; their times add up to 20 minutes."""
    pytest = ("-m", "pytest", "-q")
    hypothesis = ("--hypothesis-profile", "torture", "--hypothesis-seed", seed)
    return {
        "single faults": ("-m", "benchmarks.enumerate_faults", "singles", "200", seed),
        "pairs of faults": ("-m", "benchmarks.enumerate_faults", "pairs", "240", seed),
        "random walks": ("-m", "benchmarks.simulate", "3000", seed),
        "hostile requests": ("-m", "benchmarks.fuzz_inbox", "2000", seed),
        "kills of ofn serve": ("-m", "benchmarks.kill_local", "100", seed),
        "hostile jobs in ofn serve": ("-m", "benchmarks.hostile_serve"),
        "fault tests": (*pytest, "tests/faults", "--fault-seed", seed),
        "property tests": (*pytest, *hypothesis, *_property_tests()),
    }


def _property_tests() -> list[str]:
    modules = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        str(path.relative_to(ROOT))
        for path in modules
        if "from hypothesis" in path.read_text("utf-8")
    ]


if __name__ == "__main__":
    sys.exit(main())
