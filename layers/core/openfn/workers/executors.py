"""The executor of this process's project: its workers, unless another was registered.

A function has one project. The embedded stack has one after the other in the same process, and
registers an executor for each.
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
        _executors[project] = create(program, project)
    return _executors[project]


def create(program: Path, project: Path) -> Executor:
    """Return an executor of a project, whose workers run a program."""
    linux.hide_from_other_processes()
    return WorkerPool(program, project)


def register(project: Path, executor: Executor) -> None:
    """Let an executor execute the jobs of a project."""
    _executors[project] = executor


def close(project: Path) -> None:
    """End the workers of a project, if it has any; a run that is late starts no others."""
    if executor := _executors.get(project):
        executor.close()
