"""Send ten hostile jobs through the command `ofn serve`, then two more; print what is recorded.

python -m tests.workers.hostile_serve
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import requests

from benchmarks.kill_local import free_port
from openfn import ids
from openfn.history import details
from tests.conftest import ROOT, write_project
from tests.workers import hostile_jobs
from workbench.local import lambda_functions
from workbench.local.stack import create_in_folder

# The command with a runner that has little time: a job that hangs ends after 4 s, not after 300.
SERVE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from contextlib import contextmanager
from dataclasses import replace
from workbench.cli.main import main
from workbench.local import serve

create_stack = serve.create_stack

@contextmanager
def create_hurried(*arguments, **options):
    with create_stack(*arguments, parameters={{"RunsPerRunner": "10"}}, **options) as stack:
        functions = stack.resources.functions
        functions["runner"] = replace(functions["runner"], timeout_seconds=9)
        yield stack

serve.create_stack = create_hurried
main()
"""
PROJECT = (
    hostile_jobs.PROJECT.replace("inclusion: {}", "inclusion: {name: Amina}").replace(
        "triggers: {", "triggers: {next: {inclusion: {name: Kofi}}, "
    )
    + "  fine-again: {trigger: next, expression: jobs/fine.py}\n"
    + "  patches-again: {trigger: next, expression: jobs/patches.py}\n"
)
FIELDS = ("status", "error", "duration_ms", "attempt", "log", "final")
_SECONDS = 60


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "project").mkdir()
        write_project(folder / "project", PROJECT, hostile_jobs.JOBS)
        process, url = start(folder)
        try:
            with (
                create_in_folder(folder / ".openfn", {}) as created,
                lambda_functions.set_environment(created.functions, folder),
            ):
                hostile = send(url, "Amina", list(hostile_jobs.HOSTILE))
                clean = send(url, "Kofi", ["fine-again", "patches-again"])
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=_SECONDS)
    result = {"hostile": hostile_jobs.shortened(hostile), "clean": clean}
    sys.stdout.write(json.dumps(result | {"status": process.returncode, "end": output[-200:]}))


def start(folder):
    """Start `ofn serve`; return its process and the URL of its inbox."""
    port = free_port()
    command = [sys.executable, "-c", SERVE, "serve", "--port", str(port), "--project", "project"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "inbox/" in line:
            path = line.split(f":{port}")[1].strip()
        if "Press Ctrl-C" in line:
            return process, f"http://127.0.0.1:{port}{path}"
    raise RuntimeError("ofn serve did not start.")


def send(url, name, jobs):
    """Post a message; return the records of its runs once each has ended or waits for a retry."""
    response = requests.post(url, json={"name": name}, timeout=_SECONDS)
    message_id, end = response.headers["X-Message-Id"], time.monotonic() + _SECONDS
    load = partial(ids.run_id, message_id)
    while time.monotonic() < end:
        records = {job: details.run(load(job)) for job in jobs}
        if all(run and (run.error or run.status == "succeeded") for run in records.values()):
            return {
                job: {field: getattr(run, field) for field in FIELDS}
                for job, run in records.items()
            }
        time.sleep(0.05)
    raise TimeoutError(str(records))


if __name__ == "__main__":
    main()
