"""Send ten hostile jobs through `ofn serve`, and check how their runs end.

    python -m benchmarks.hostile_serve

As a user other than root, because root may fork without end. The command must go on, execute the
next two runs as if nothing had been, and end at Ctrl-C.
"""

from __future__ import annotations

import sys
import time

from tests.workers import isolation_checks, unprivileged


def main() -> None:
    """Fail if a run ends otherwise than it must."""
    began = time.monotonic()
    result = unprivileged.run("tests.workers.hostile_serve")
    isolation_checks.check_errors(result["hostile"])
    isolation_checks.check_others([result["hostile"]])
    clean = {name: (run["status"], run["error"]) for name, run in result["clean"].items()}
    if set(clean.values()) != {("succeeded", None)} or result["status"] != 0:
        sys.exit(f"{clean} {result['status']} {result['end']}")
    print(f"10 hostile and {len(clean)} clean runs as planned in {time.monotonic() - began:.0f} s")
    for name, run in result["hostile"].items():
        if "duration_ms" in run:
            print(f"  {name}: {run['duration_ms']} ms")


if __name__ == "__main__":
    main()
