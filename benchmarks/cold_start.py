"""What starting each function costs, and what of it by which library.

Each function is imported as Lambda imports it, from the built layers, in an interpreter of its own;
the runner once for each adaptor that a project may name. `python -X importtime` says what a module
costs by itself; it is summed up by package. All are started in turn, so that a slow moment of the
machine falls on all. `docs/scale.md` quotes what this prints.
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

from tests.built.lambda_runtime import command, lay_out

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / ".build/here"
ROUNDS = 9
SHOWN = 5
ADAPTORS = ("http", "dhis2", "postgresql", "salesforce")
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")


def main() -> None:
    """Print, for each start, the median and the packages that cost the most."""
    with tempfile.TemporaryDirectory() as folder:
        roots = {name: _laid_out(Path(folder), name) for name in ("inbox", "matcher")}
        for adaptor in ADAPTORS:
            roots[f"runner, {adaptor}"] = _laid_out(Path(folder), "runner", adaptor)
        times: dict[str, list[float]] = {name: [] for name in ["nothing", *roots]}
        for _ in range(ROUNDS):
            times["nothing"].append(_seconds(roots["inbox"], "pass"))
            for name, root in roots.items():
                times[name].append(_seconds(root, "import app"))
        for name, each in times.items():
            median = statistics.median(each[1:]) * 1000
            print(
                f"{name:<20} {median:5.0f} ms   {_by_package(roots[name]) if name in roots else ''}"
            )


def _laid_out(folder: Path, function: str, adaptor: str | None = None) -> Path:
    root = folder / f"{function}-{adaptor}"
    layers = ["CoreLayer", *(["AdaptorsLayer"] if adaptor else []), "ProjectLayer"]
    lay_out(root, ROOT / "functions" / function, [BUILT / layer for layer in layers])
    path = root / "opt/project/project.json"
    project = json.loads(path.read_text("utf-8"))
    for credential in project["credentials"].values():
        credential["adaptor"] = adaptor or credential["adaptor"]
    path.write_text(json.dumps(project), "utf-8")
    return root


def _seconds(root: Path, code: str) -> float:
    began = time.perf_counter()
    _run(root, "-c", code)
    return time.perf_counter() - began


def _by_package(root: Path) -> str:
    costs = Counter[str]()
    for line in _run(root, "-X", "importtime", "-c", "import app").splitlines():
        if found := _LINE.match(line):
            costs[found[2].split(".")[0]] += int(found[1])
    return ", ".join(f"{name} {cost / 1000:.0f}" for name, cost in costs.most_common(SHOWN))


def _run(root: Path, *arguments: str) -> str:
    python, environment = command(root, *arguments)
    environment |= {"AWS_DEFAULT_REGION": "eu-west-1", "PROJECT_DIR": str(root / "opt/project")}
    answer = subprocess.run(
        python, check=True, env={**os.environ, **environment}, capture_output=True, text=True
    )
    return answer.stderr


if __name__ == "__main__":
    sys.exit(main())
