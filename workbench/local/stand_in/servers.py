"""The built-in destinations of `ofn serve`: one for each credential without a file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from workbench.local.destination import Destination, Received, run_destination
from workbench.local.stand_in import responses
from workbench.local.stand_in.executing_runs import ExecutingRuns
from workbench.project.compiler import check
from workbench.store.received import ReceivedRequest, ReceivedRequests

_MASK = "***"
_SECRET_HEADER = re.compile("auth|cookie|session|token|secret|password|key$", re.IGNORECASE)
_UNMASKED = {"idempotency-key"}


@dataclass(slots=True)
class StandIns:
    """The destinations that run, and where the requests are stored that they receive."""

    context: ExitStack
    store: ReceivedRequests
    executing: ExecutingRuns
    on_received: Callable[[Received], None]
    _destinations: dict[tuple[str, str], Destination] = field(default_factory=dict)

    def credentials(self, project: Path, existing: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return a credential for each one of a project that does not exist."""
        return {
            name: self._credential(name, credential.adaptor)
            for name, credential in check(project).credentials.items()
            if name not in existing
        }

    def describe(self, name: str) -> str:
        """Return where the data of a generated credential goes."""
        return f"data for {name} goes to the built-in destination, which `ofn received` shows."

    def _credential(self, name: str, adaptor: str) -> dict[str, Any]:
        key = (name, adaptor)
        if key not in self._destinations:
            on_received = partial(self._on_received, name)
            destination = run_destination(on_received, adaptor)
            self._destinations[key] = self.context.enter_context(destination)
        return responses.credential(adaptor, self._destinations[key].url)

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
