"""The local stack: the deployed stack's resources, handlers and events in one process.

Its data lies in a folder, or in memory and is lost when it stops.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from openfn.storage import services
from openfn.storage.errors import CallRefused
from openfn.storage.services import Services
from workbench.local import api_gateway, event_source, http_server, lambda_functions, schedules
from workbench.local.lambda_functions import OnLogLine
from workbench.local.versions import Versions
from workbench.project.compiler import check
from workbench.store import resources, stack_template
from workbench.store.resources import Resources
from workbench.store.services import LocalServices

# The inbox answers 200 when all that it wrote is on disk. What the matcher writes it would write
# again after a power failure, which would also return its messages to the queue. All others, such
# as the runner, wait for each write.
_WAITS_FOR_DISK = {"inbox": True, "matcher": False}


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack on this machine; only `drain` and `running` process its queues."""

    resources: Resources
    versions: Versions
    on_log_line: OnLogLine
    services: Services
    """What answers the calls of the functions and of the event source mappings."""

    @property
    def inbox_ids(self) -> Mapping[str, str]:
        """The secret id of each inbox on this machine, because a project stores only hashes."""
        return self.versions.inbox_ids

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Invoke a function with an event; its exceptions are raised here."""
        with self._deferring_syncs(function):
            return lambda_functions.invoke(
                self.resources.functions[function], event, self.on_log_line
            )

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
    def serving(self) -> Iterator[dict[str, str]]:
        """Serve the HTTP API on a free port and yield the inbox URLs by name."""
        with self.serving_at(0) as base:
            yield self.urls(base)

    def serving_at(
        self, port: int, host: str = http_server.LOOPBACK
    ) -> AbstractContextManager[str]:
        """Serve the HTTP API on a port and yield its URL."""
        return api_gateway.serve_routes(self.resources.routes, self.invoke, port, host)

    def urls(self, base: str) -> dict[str, str]:
        """Return the inbox URLs by name."""
        base = base.rstrip("/")
        return {name: f"{base}/inbox/{inbox_id}" for name, inbox_id in self.inbox_ids.items()}

    def set_credential(self, name: str, body: Mapping[str, Any]) -> None:
        """Create the secret of a job's credential."""
        self._create_secret("CREDENTIALS_PREFIX", name, body)

    def set_inbox_secret(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a secret that an inbox's `auth` refers to."""
        self._create_secret("INBOX_SECRETS_PREFIX", name, body)

    def inbox_secret(self, name: str) -> dict[str, Any] | None:
        """Return a secret that an inbox's `auth` refers to, or `None` if the stack has none."""
        request = {"SecretId": self._full_name("INBOX_SECRETS_PREFIX", name)}
        try:
            response = self.services.call("secretsmanager", "get_secret_value", request)
        except CallRefused:
            return None
        body: dict[str, Any] = json.loads(response["SecretString"])
        return body

    def _deferring_syncs(self, function: str) -> AbstractContextManager[None]:
        if not isinstance(self.services, LocalServices) or function not in _WAITS_FOR_DISK:
            return nullcontext()
        return self.services.database.deferring_syncs(wait=_WAITS_FOR_DISK[function])

    def _full_name(self, prefix: str, name: str) -> str:
        return self.resources.functions["inbox"].environment[prefix] + name

    def _create_secret(self, prefix: str, name: str, body: Mapping[str, Any]) -> None:
        text = json.dumps(dict(body))
        request = {"Name": self._full_name(prefix, name), "SecretString": text}
        self.services.call("secretsmanager", "create_secret", request)


CreateResources = Callable[[Mapping[str, str]], AbstractContextManager[Resources]]
"""Creates the template's resources, with values of its parameters, and what answers their calls."""


@contextmanager
def create_in_folder(folder: Path | None, parameters: Mapping[str, str]) -> Iterator[Resources]:
    """Create the template's resources in the store of a folder, or in memory without one."""
    template = stack_template.load(parameters)
    local = LocalServices(template, folder)
    try:
        with services.use(local):
            yield resources.describe(template)
    finally:
        local.close()


create_in_memory = partial(create_in_folder, None)
"""Creates the template's resources in a store in memory."""


@contextmanager
def create_stack(
    project: Path,
    on_log_line: OnLogLine = lambda _function, _line: None,
    parameters: Mapping[str, str] | None = None,
    create_resources: CreateResources = create_in_memory,
    *,
    workers: bool = False,
) -> Iterator[Stack]:
    """Create the stack of a project folder and stop it at the end.

    `parameters` are the template's. Without `workers`, jobs are executed in this process and one
    after the other, which takes less time to start and isolates nothing. Raises ProjectProblems
    when the project has problems.
    """
    checked = check(project)
    if not workers:
        parameters = {"RunsPerRunner": "1", **(parameters or {})}
    with ExitStack() as context:
        opt = Path(context.enter_context(tempfile.TemporaryDirectory(prefix="openfn-")))
        created = context.enter_context(create_resources(parameters or {}))
        versions = Versions(project, opt, services.current(), workers)
        context.callback(versions.close)
        versions.compile(checked)
        context.enter_context(lambda_functions.set_environment(created.functions, opt))
        yield Stack(created, versions, on_log_line, services.current())
