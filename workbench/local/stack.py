"""The embedded stack: the deployed stack's resources, handlers and events in one process.

Its data is in memory and lost when it stops, so it serves development and tests only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn.jobs.execution import InProcess
from openfn.project import compiled
from openfn.storage import services
from openfn.storage.services import Services
from openfn.workers import executors
from workbench.local import api_gateway, event_source, lambda_functions, schedules
from workbench.local.lambda_functions import OnLogLine
from workbench.project.compiler import check, compile_project
from workbench.store import resources, stack_template
from workbench.store.resources import Resources
from workbench.store.services import LocalServices


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack in memory; only `drain` and `running` process its queues."""

    resources: Resources
    inbox_ids: Mapping[str, str]
    """A temporary secret id for each inbox, because a project stores only hashes."""
    on_log_line: OnLogLine
    services: Services
    """What answers the calls of the functions and of the event source mappings."""

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Invoke a function with an event; its exceptions are raised here."""
        return lambda_functions.invoke(self.resources.functions[function], event, self.on_log_line)

    def tick(self) -> None:
        """Invoke the function of every schedule once."""
        for function in self.resources.schedules.values():
            schedules.tick(function, self.invoke)

    def drain(self) -> None:
        """Process the queues until no message can be received."""
        while sum(
            event_source.poll(mapping, self.invoke, self.services)
            for mapping in self.resources.mappings
        ):
            pass

    @contextmanager
    def running(self) -> Iterator[None]:
        """Process queues and schedules in background threads."""
        with (
            event_source.run_pollers(self.resources.mappings, self.invoke, self.services),
            schedules.run_schedules(self.resources.schedules, self.invoke),
        ):
            yield

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[dict[str, str]]:
        """Serve the HTTP API on loopback and yield the inbox URLs by name."""
        with api_gateway.serve_routes(self.resources.routes, self.invoke, port) as base:
            yield {name: f"{base}/inbox/{inbox_id}" for name, inbox_id in self.inbox_ids.items()}

    def set_credential(self, name: str, body: Mapping[str, Any]) -> None:
        """Create the secret of a job's credential."""
        self._create_secret("CREDENTIALS_PREFIX", name, body)

    def set_inbox_secret(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a secret that an inbox's `auth` refers to."""
        self._create_secret("INBOX_SECRETS_PREFIX", name, body)

    def _create_secret(self, prefix: str, name: str, body: Mapping[str, Any]) -> None:
        full_name = self.resources.functions["inbox"].environment[prefix] + name
        text = json.dumps(dict(body))
        request = {"Name": full_name, "SecretString": text}
        self.services.call("secretsmanager", "create_secret", request)


CreateResources = Callable[[Mapping[str, str]], AbstractContextManager[Resources]]
"""Creates the template's resources, with values of its parameters, and what answers their calls."""


@contextmanager
def create_in_memory(parameters: Mapping[str, str]) -> Iterator[Resources]:
    """Create the template's resources in a store in memory."""
    template = stack_template.load(parameters)
    local = LocalServices(template)
    try:
        with services.use(local):
            yield resources.describe(template)
    finally:
        local.close()


@contextmanager
def create_stack(
    project: Path,
    on_log_line: OnLogLine = lambda _function, _line: None,
    parameters: Mapping[str, str] | None = None,
    create_resources: CreateResources = create_in_memory,
    *,
    workers: bool = False,
) -> Iterator[Stack]:
    """Create the stack of a project folder and delete it at the end.

    `parameters` are the template's. Without `workers`, jobs are executed in this process and one
    after the other, which takes less time to start and isolates nothing. Raises ProjectProblems
    when the project has problems.
    """
    checked = check(project)
    ids = {name: secrets.token_urlsafe(24) for name in checked.inboxes}
    digests = {
        name: hashlib.sha256(inbox_id.encode()).hexdigest() for name, inbox_id in ids.items()
    }
    with ExitStack() as context:
        opt = Path(context.enter_context(tempfile.TemporaryDirectory(prefix="openfn-")))
        compile_project(project, opt / "project", digests, checked)
        context.callback(executors.close, opt / "project")
        parameters = parameters or {}
        if not workers:
            parameters = {"RunsPerRunner": "1", **parameters}
            executors.register(opt / "project", _in_process(opt / "project"))
        created = context.enter_context(create_resources(parameters))
        context.enter_context(lambda_functions.set_environment(created.functions, opt))
        yield Stack(created, ids, on_log_line, services.current())


def _in_process(project: Path) -> InProcess:
    runtime = AdaptorRuntime()
    loaded = compiled.load(project)
    runtime.missing_is_null, runtime.timezone = loaded.missing_is_null, loaded.timezone
    return InProcess(runtime)
