"""The embedded stack: the deployed one's resources, handlers and events, in one process.

It keeps its data in memory and is for development: what it holds is gone when it stops.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.local import api_gateway, event_source, lambda_functions, resources, schedules
from workbench.local.lambda_functions import Tell
from workbench.local.resources import Resources
from workbench.project.compiler import check, compile_project


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that exists; `settle` or `working` moves what is in its queues."""

    resources: Resources
    inbox_ids: Mapping[str, str]
    """A throw-away secret id for each inbox, since a project keeps only hashes."""
    tell: Tell

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run a function on an event; raises what it raises."""
        return lambda_functions.invoke(self.resources.functions[function], event, self.tell)

    def tick(self) -> None:
        """Let every schedule be due once."""
        for function in self.resources.schedules.values():
            schedules.tick(function, self.invoke)

    def settle(self) -> None:
        """Work on all that can be received now, until the queues give nothing more."""
        while sum(event_source.poll(mapping, self.invoke) for mapping in self.resources.mappings):
            pass

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work on queues and clock in the background."""
        with (
            event_source.polling(self.resources.mappings, self.invoke),
            schedules.ticking(self.resources.schedules, self.invoke),
        ):
            yield

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[dict[str, str]]:
        """Serve the HTTP API on loopback (port 0: a free one) and give the inboxes' URLs."""
        with api_gateway.serving(self.resources.routes, self.invoke, port) as base:
            yield {name: f"{base}/inbox/{inbox_id}" for name, inbox_id in self.inbox_ids.items()}

    def set_credential(self, name: str, body: Mapping[str, Any]) -> None:
        """Create the secret of a job's credential."""
        self._create_secret("CREDENTIALS_PREFIX", name, body)

    def set_inbox_secret(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a secret that an inbox's `auth` names."""
        self._create_secret("INBOX_SECRETS_PREFIX", name, body)

    def _create_secret(self, prefix: str, name: str, body: Mapping[str, Any]) -> None:
        full_name = self.resources.functions["inbox"].environment[prefix] + name
        client = resources.client("secretsmanager")
        client.create_secret(Name=full_name, SecretString=json.dumps(dict(body)))


@contextmanager
def created(
    project: Path, tell: Tell | None = None, parameters: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Create the stack of a project; raises `ProjectProblems` when the project has any.

    `tell` is told each line that a function logs; `parameters` are the template's.
    """
    ids = {name: secrets.token_urlsafe(24) for name in check(project).inboxes}
    digests = {name: hashlib.sha256(each.encode()).hexdigest() for name, each in ids.items()}
    with ExitStack() as context:
        opt = Path(context.enter_context(tempfile.TemporaryDirectory(prefix="openfn-")))
        compile_project(project, opt / "project", digests)
        made = context.enter_context(resources.created(parameters or {}))
        context.enter_context(lambda_functions.environment(made.functions, opt))
        yield Stack(made, ids, tell or (lambda _function, _line: None))
