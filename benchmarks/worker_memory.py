"""Measure the memory of the runner and of its workers with each adaptor.

    .venv/bin/python -m benchmarks.worker_memory

A worker shares most of its memory with the process that it was forked from. Its private memory is
what each run at the same time adds to the runner's. `docs/scale.md` shows this output, and the
maximum of `RunsPerRunner` follows from it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from openfn import ids
from openfn.runs import store as runs
from openfn.runs.model import Plan
from tests.adaptors import salesforce_server
from tests.conftest import post, write_project
from tests.support import postgresql
from tests.support.postgresql_database import PASSWORD
from tests.support.sqs import sqs_event
from workbench.local.destination import run_destination
from workbench.local.stack import create_stack

RUNS = 20
RECORDS = [{"id": n, "name": f"Amina {n}"} for n in range(100)]
ADAPTORS = {
    "http": 'from adaptors.http import post\npost("records", lambda state: state["data"])\n',
    "dhis2": 'from adaptors.dhis2 import create\ncreate("events", lambda state: state["data"])\n',
    "postgresql": """
from adaptors.postgresql import insert_many, sql
sql("create table if not exists visits (id int, name text)")
insert_many("visits", lambda state: state["references"][0])
""",
    "salesforce": """
from adaptors.salesforce import create
create("Contact", lambda state: {"LastName": "Amina"})
""",
    "commcare": """
from adaptors.common import fn, validate
from adaptors.commcare import bulk_cases
from adaptors.commcare.spreadsheets import write
validate({"type": "array"})
fn(lambda state: len(write(state["data"])) and state)
""",
}


def main() -> None:
    """Print the private memory of a worker after its first and its last run."""
    print(f"{'MB':<12}{'runner':>8}{'zygote':>8}{'first run':>11}{f'run {RUNS}':>8}")
    for adaptor in ADAPTORS:
        with _configuration(adaptor) as configuration:
            runner, zygote, first, last = _measure(adaptor, configuration)
        print(f"{adaptor:<12}{runner:8.1f}{zygote:8.1f}{first:11.1f}{last:8.1f}")


def _measure(adaptor: str, configuration: dict[str, object]) -> tuple[float, ...]:
    project = (
        "triggers: {all: {inclusion: {}}}\n"
        f"credentials: {{destination: {{adaptor: {adaptor}}}}}\n"
        "jobs: {job: {trigger: all, credential: destination, expression: jobs/job.py}}\n"
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as context:
        write_project(Path(folder), project, {"job": ADAPTORS[adaptor]})
        stack = context.enter_context(create_stack(Path(folder), workers=True))
        stack.set_credential("destination", configuration)
        sizes = []
        for _ in range(RUNS):
            message_id = post(stack, json.dumps(RECORDS))["headers"]["X-Message-Id"]
            runs.create([Plan(message_id, "job", "all")], "version")
            stack.invoke("runner", sqs_event("run_id", ids.run_id(message_id, "job")))
            zygote = _child(os.getpid(), "worker.py")
            sizes.append(_megabytes(_child(zygote), "Private_Dirty"))
        return _megabytes(os.getpid(), "Pss"), _megabytes(zygote, "Pss"), sizes[0], sizes[-1]


@contextmanager
def _configuration(adaptor: str) -> Iterator[dict[str, object]]:
    with ExitStack() as context:
        if adaptor == "postgresql":
            uri = context.enter_context(postgresql.running())
            folder = uri.split("host=")[1]
            yield {"host": folder, "database": "postgres", "user": "postgres", "password": PASSWORD}
        elif adaptor == "salesforce":
            server = context.enter_context(salesforce_server.running())
            yield server.state(credential=server.user)["configuration"]
        else:
            url = context.enter_context(run_destination()).url
            login = {"username": "nurse", "password": "secret"}
            yield {"baseUrl": url, "hostUrl": url, "domain": "clinic", **login}


def _child(parent: int, name: str = "") -> int:
    """Return the newest child of a process whose command line contains a name."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        ppid = int(path.read_text().rpartition(")")[2].split()[1])
        if ppid == parent and name in path.with_name("cmdline").read_text():
            found = max(found, int(path.parent.name))
    return found


def _megabytes(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


if __name__ == "__main__":
    main()
