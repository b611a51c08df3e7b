"""Measure a JavaScript job against the same job in Python: processor time and memory.

    python -m benchmarks.javascript

Both are loaded and executed again and again in one process, as in a worker that serves many runs.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn.jobs import execution, loading
from openfn.jobs.job_file import JobFile, Start
from openfn.jobs.state import InitialState
from workbench.project import javascript_jobs

RUNS = 40
FIELDS = 20
STATE = {"data": {"form": {f"q{n}": f"answer {n}" for n in range(FIELDS)}, "visits": [1, 2, 3]}}
PYTHON = f"""
from adaptors.common import data_value, each, fn
from adaptors.http import post

post("patients", {{f"f{{n}}": data_value(f"form.q{{n}}") for n in range({FIELDS})}})
fn(lambda state: {{**state, "data": {{"visits": [1, 2, 3], "id": 7}}}})
each("visits[*]", post("visits", {{"n": lambda state: state["data"]}}))
"""
JAVASCRIPT = f"""
const record = {{}};
for (let n = 0; n < {FIELDS}; n += 1) record[`f${{n}}`] = dataValue(`form.q${{n}}`);

post("patients", record);
fn(state => ({{ ...state, data: {{ visits: [1, 2, 3], id: 7 }} }}));
each("$.data.visits[*]", post("visits", {{ n: state => state.data }}));
"""


def measure(path: Path) -> list[float]:
    """Return the processor milliseconds of each run."""
    runtime, milliseconds = AdaptorRuntime(), []
    job = JobFile(path, "run", 0, dialect="http")
    configuration = {"baseUrl": "https://example.org"}
    start = Start(InitialState(json.dumps(STATE | {"references": []}).encode()), configuration)
    for _ in range(RUNS):
        began = time.process_time()
        with dry_run(), runtime.run_context("run", datetime.now(UTC)):
            operations = loading.load(job)
            execution.execute(runtime, job, operations, start, lambda *_: None, lambda *_: None)
        milliseconds.append((time.process_time() - began) * 1000)
    return milliseconds


def megabytes() -> float:
    """Return the private memory of this process."""
    resident, shared = Path("/proc/self/statm").read_text("ascii").split()[1:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Print the medians, and what JavaScript adds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.py").write_text(PYTHON, "utf-8")
        (folder / "a.js").write_text(JAVASCRIPT, "utf-8")
        javascript_jobs.write_compiled(folder, ["a.js"])
        python, before = statistics.median(measure(folder / "a.py")), megabytes()
        runs = measure(folder / "a.js")
    print(f"Python      {python:6.1f} ms of processor time a run")
    print(f"JavaScript  {statistics.median(runs):6.1f} ms, the first {runs[0]:.1f} ms (import)")
    print(f"difference  {statistics.median(runs) - python:6.1f} ms (of 10)")
    print(f"memory      {megabytes() - before:6.1f} MB more in the process (of 10)")


if __name__ == "__main__":
    main()
