"""Measure how long each function takes to start, and which libraries take the time.

Each function is imported from the built layers in a new interpreter, as Lambda does it; the runner
once for each adaptor. `python -X importtime` measures each module, and its times are summed by
package. The functions start in turn, so that a slow moment of the machine affects all of them.
`docs/scale.md` shows this output.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.built.lambda_runtime import command, install

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / ".build/here"
ROUNDS = 9
SHOWN = 5
ADAPTORS = ("http", "dhis2", "postgresql", "salesforce")
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")


def main() -> None:
    """Print the median of each start and its most expensive packages."""
    with tempfile.TemporaryDirectory() as folder:
        roots = {name: _lay_out_function(Path(folder), name) for name in ("inbox", "matcher")}
        for adaptor in ADAPTORS:
            roots[f"runner, {adaptor}"] = _lay_out_function(Path(folder), "runner", adaptor)
        times: dict[str, list[float]] = {name: [] for name in ["empty interpreter", *roots]}
        for _ in range(ROUNDS):
            times["empty interpreter"].append(_seconds(roots["inbox"], "pass"))
            for name, root in roots.items():
                times[name].append(_seconds(root, "import app"))
        for name, seconds in times.items():
            median = statistics.median(seconds[1:]) * 1000
            packages = _most_expensive_packages(roots[name]) if name in roots else ""
            print(f"{name:<20} {median:5.0f} ms   {packages}")


def _lay_out_function(folder: Path, function: str, adaptor: str | None = None) -> Path:
    root = folder / f"{function}-{adaptor}"
    layers = ["CoreLayer", *(["AdaptorsLayer"] if adaptor else []), "ProjectLayer"]
    install(root, ROOT / "functions" / function, [BUILT / layer for layer in layers])
    path = root / "opt/project/project.json"
    project = json.loads(path.read_text("utf-8"))
    for credential in project["credentials"].values():
        credential["adaptor"] = adaptor or credential["adaptor"]
    path.write_text(json.dumps(project), "utf-8")
    return root


def _seconds(root: Path, code: str) -> float:
    start_time = time.perf_counter()
    _run(root, "-c", code)
    return time.perf_counter() - start_time


def _most_expensive_packages(root: Path) -> str:
    costs = Counter[str]()
    for line in _run(root, "-X", "importtime", "-c", "import app").splitlines():
        if match := _LINE.match(line):
            costs[match[2].split(".")[0]] += int(match[1])
    return ", ".join(f"{name} {cost / 1000:.0f}" for name, cost in costs.most_common(SHOWN))


def _run(root: Path, *arguments: str) -> str:
    python, environment = command(root, *arguments)
    environment |= {"AWS_DEFAULT_REGION": "eu-west-1", "PROJECT_DIR": str(root / "opt/project")}
    process = subprocess.run(
        python, check=True, env={**os.environ, **environment}, capture_output=True, text=True
    )
    return process.stderr


if __name__ == "__main__":
    sys.exit(main())
