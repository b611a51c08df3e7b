"""The process that runs a job on a message as a dry run and writes the result into a file.

python -I -m workbench.console.trial_process < ORDER
"""

from __future__ import annotations

import base64
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from adaptors._runtime.dry_run import DryRequest
from openfn import ids
from openfn.errors import OpenFnError
from openfn.jobs import initial_state
from openfn.messages.store import Message
from openfn.workers import linux
from workbench.credentials import placeholders
from workbench.credentials.files import file_of, read_credential
from workbench.errors import WorkbenchError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.project.schema.project import ProjectSpec
from workbench.project.yaml_source import ProjectProblems
from workbench.testing.local_run import LocalRun
from workbench.testing.project_run import run_project_job

_CPU_SECONDS, _MEMORY_BYTES, _FILE_BYTES, _PROCESSES = 20, 2 * 1024**3, 64 * 1024**2, 4096


def main() -> None:
    """Run the ordered job and write its result."""
    order = json.loads(sys.stdin.buffer.read())
    linux.end_with_parent(os.getppid())
    _limit()
    try:
        result = _run(order)
    except (ProjectProblems, OpenFnError, WorkbenchError) as error:
        result = {"problem": str(error)}
    Path(order["result"]).write_text(json.dumps(result, default=str), "utf-8")


def _limit() -> None:
    for kind, limit in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NPROC, _PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lowest, lowest))


def _run(order: dict[str, Any]) -> dict[str, Any]:
    project, name = Path(order["project"]), order["job"]
    spec = check(project)
    require_known("job", name, spec.jobs)
    body = base64.b64decode(order["body"])
    message = Message(ids.new_message_id(), order["inbox"], body, **order["request"])
    initial = initial_state.of_message(message).build()
    configuration = _configuration(project, spec, spec.jobs[name].credential)
    result = run_project_job(project, spec, name, initial, configuration, dry=True).masked()
    return _as_dict(result, initial_state.of_message(message).build())


def _configuration(project: Path, spec: ProjectSpec, name: str | None) -> dict[str, Any]:
    file = file_of(project, name)
    is_written = name is not None and file.is_file()
    return read_credential(file) if is_written else placeholders.credential(spec, name)


def _as_dict(result: LocalRun, initial: Any) -> dict[str, Any]:
    values = result.as_dict()
    values["requests"] = [
        {
            "kind": "request" if isinstance(request, DryRequest) else "statement",
            **request.as_dict(),
        }
        for request in result.requests
    ]
    return {**values, "initial": initial}


if __name__ == "__main__":
    main()
