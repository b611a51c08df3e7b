"""The executor of this process's project: its workers, unless another was registered.

A function has one project. The embedded stack has one after the other in the same process, and may
register an executor that executes jobs in the process itself.
"""

from __future__ import annotations

from pathlib import Path

from openfn.jobs.runtime import Executor
from openfn.workers import environment, linux
from openfn.workers.pool import WorkerPool

_executors: dict[Path, Executor] = {}


def start(program: Path) -> Executor:
    """Return the executor of this process's project; start its workers with a program if needed."""
    project = environment.project_folder()
    if project not in _executors:
        linux.hide_from_other_processes()
        _executors[project] = WorkerPool(program, project)
    return _executors[project]


def register(project: Path, executor: Executor) -> None:
    """Let an executor execute the jobs of a project."""
    _executors[project] = executor


def close(project: Path) -> None:
    """End the workers of a project, if it has any."""
    executor = _executors.pop(project, None)
    if isinstance(executor, WorkerPool):
        executor.close()
