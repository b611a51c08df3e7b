"""The versions of a project that a local stack loads, one after the other."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn.jobs.execution import InProcess
from openfn.project import compiled
from openfn.storage.aws import Setting
from openfn.storage.errors import CallRefused
from openfn.storage.services import Services
from openfn.workers import executors
from workbench.local.stand_in.executing_runs import ExecutingRuns, ObservedExecutor
from workbench.project.compiler import check, compile_project
from workbench.project.schema.project import ProjectSpec
from workbench.store.stack_template import ROOT

_WORKER = ROOT / "functions/runner/worker.py"
_INBOX_IDS = "local/inbox-ids"
"""The secret with the ids of the inboxes on this machine, which survive restarts."""


@dataclass(slots=True)
class Versions:
    """The compiled versions of a project folder, in folders of their own below `opt`.

    Runs that have begun finish with the files of their version.
    """

    project: Path
    opt: Path
    services: Services
    workers: bool
    """Whether jobs are executed in worker processes, not in this one."""
    inbox_ids: dict[str, str] = field(default_factory=dict)
    executing: ExecutingRuns = field(default_factory=ExecutingRuns)
    _folders: list[Path] = field(default_factory=list)

    def compile(self, checked: ProjectSpec) -> Path:
        """Compile the next version and return its folder; new inboxes get new ids."""
        self.inbox_ids = self._ids(checked)
        digests = {
            name: hashlib.sha256(inbox_id.encode()).hexdigest()
            for name, inbox_id in self.inbox_ids.items()
        }
        number = len(self._folders)
        folder = self.opt / (f"project-{number}" if number else "project")
        compile_project(self.project, folder, digests, checked)
        self._folders.append(folder)
        executor = executors.create(_WORKER, folder) if self.workers else _in_process(folder)
        executors.register(folder, ObservedExecutor(executor, self.executing))
        return folder

    def reload(self) -> None:
        """Load the files as they are now; raise ProjectProblems and change nothing if invalid."""
        os.environ[Setting.PROJECT_DIR] = str(self.compile(check(self.project)))
        for folder in self._folders[:-2]:  # runs of the version before may not have ended
            executors.close(folder)

    def close(self) -> None:
        """End the workers of all versions."""
        for folder in self._folders:
            executors.close(folder)

    def _ids(self, checked: ProjectSpec) -> dict[str, str]:
        stored = self._read()
        ids = {name: stored.get(name) or secrets.token_urlsafe(24) for name in checked.inboxes}
        if not ids.keys() <= stored.keys():
            request = {"Name": _INBOX_IDS, "SecretString": json.dumps({**stored, **ids})}
            self.services.call("secretsmanager", "create_secret", request)
        return ids

    def _read(self) -> dict[str, str]:
        try:
            response = self.services.call(
                "secretsmanager", "get_secret_value", {"SecretId": _INBOX_IDS}
            )
        except CallRefused:
            return {}
        ids: dict[str, str] = json.loads(response["SecretString"])
        return ids


def _in_process(folder: Path) -> InProcess:
    runtime = AdaptorRuntime()
    loaded = compiled.load(folder)
    runtime.missing_is_null, runtime.timezone = loaded.missing_is_null, loaded.timezone
    return InProcess(runtime)
