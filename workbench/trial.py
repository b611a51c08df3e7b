"""One job on one saved body, here, without AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptors.transport import DryRequest, dry_run
from openfn import ids, joblog, states
from openfn.errors import JobError
from openfn.expressions import execute, load
from openfn.messages import Message


@dataclass(frozen=True, slots=True)
class Trial:
    """How a job would end on a body: its final state or error, what it printed and would send."""

    final: dict[str, Any] | None
    error: JobError | None
    log: str
    requests: tuple[DryRequest, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the trial for a machine."""
        return {
            "final": self.final,
            "error": self.error.as_dict() if self.error else None,
            "log": self.log,
            "requests": [
                {
                    "method": request.method,
                    "url": request.url,
                    "headers": request.headers,
                    "body": request.body.decode("utf-8", "replace"),
                }
                for request in self.requests
            ],
        }


def attempt(
    expression: Path,
    body: bytes,
    configuration: Mapping[str, Any],
    query_params: Mapping[str, Any],
    *,
    dry: bool,
    headers: Mapping[str, str] | None = None,
) -> Trial:
    """Execute a job on a body; with `dry` nothing is sent and every answer is `200 {}`."""
    message_id = ids.new_message_id()
    message = Message(message_id, "try", body, "POST", headers or {}, query_params)
    state = states.initial(message, configuration)
    pieces: list[str] = []
    final, error = None, None
    sending: AbstractContextManager[list[DryRequest]] = dry_run() if dry else nullcontext([])
    with sending as requests, joblog.capture(pieces.append):
        try:
            final = json.loads(states.kept(execute(load(expression), state, expression)))
        except JobError as job_error:
            error = job_error
    return Trial(final, error, "".join(pieces), tuple(requests))
