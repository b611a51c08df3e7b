"""One job on one saved body or state, here, without AWS."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from adaptors._runtime import emit, run_context
from adaptors._runtime.dry_run import Dry, Responder, dry_run
from adaptors.errors import AdaptorError
from openfn import ids
from openfn.errors import JobError, Verdict
from openfn.jobs import attempt as attempts
from openfn.jobs import output_capture
from openfn.jobs import state as states
from openfn.jobs.expression import execute, load
from openfn.jobs.state import State
from openfn.messages.store import Message
from openfn.runs import outbox
from workbench.errors import CommandError
from workbench.project.schema.base import Written
from workbench.project.schema.trigger import CronWritten, MessageWritten


@dataclass(frozen=True, slots=True)
class Trial:
    """How a job would end: its final state or error, what it printed and would send."""

    final: dict[str, Any] | None
    error: JobError | None
    log: str
    requests: tuple[Dry, ...]
    emitted: tuple[tuple[str, str], ...] = ()
    """Inbox and body, a JSON text, of each message it emits."""

    def as_dict(self) -> dict[str, Any]:
        """Give the trial for a machine."""
        return {
            "final": self.final,
            "error": self.error.as_dict() if self.error else None,
            "log": self.log,
            "requests": [each.as_dict() for each in self.requests],
            "emitted": [{"inbox": inbox, "body": json.loads(body)} for inbox, body in self.emitted],
        }


def posted(
    body: bytes, query_params: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> State:
    """Give the state that a job on a message with this body begins with."""
    return states.from_message(
        Message(ids.new_message_id(), "try", body, "POST", headers or {}, query_params)
    )


def unposted(job: str, trigger: Written, given: State | None) -> State:
    """Give the state that a job begins with which no message starts; messages' own need one."""
    if isinstance(trigger, MessageWritten) and given is None:
        raise CommandError(f"{job} runs on messages: give a file with the body of a post")
    begun = given or {}
    return (
        states.scheduled(begun, ids.new_message_id()) if isinstance(trigger, CronWritten) else begun
    )


def attempt(
    expression: Path,
    state: State,
    configuration: Mapping[str, Any],
    *,
    dry: bool,
    inboxes: Collection[str] = (),
    answering: Responder | None = None,
) -> Trial:
    """Execute a job on a state; with `dry` nothing is sent, and `answering` or `200 {}` answers.

    What it emits to one of the `inboxes` is shown and never sent.
    """
    begun = states.with_configuration(state, configuration)
    pieces: list[str] = []
    emitted: list[tuple[str, str]] = []
    final, error = None, None
    sending: AbstractContextManager[list[Dry]] = dry_run(answering) if dry else nullcontext([])
    with (
        sending as requests,
        run_context.run_context(f"try#{expression.stem}", datetime.now(UTC)),
        output_capture.capture(pieces.append),
        emit.emit_to(partial(_take, inboxes, emitted)),
    ):
        try:
            with run_context.attempt():
                final = json.loads(states.to_json(execute(load(expression), begun, expression)))
        except JobError as job_error:
            error = job_error
        except AdaptorError as failure:  # what was begun could not be committed
            final, error = None, _ending(failure)
    return Trial(final, error, "".join(pieces), tuple(requests), tuple(emitted))


def _ending(failure: AdaptorError) -> JobError:
    return JobError(
        type(failure).__name__, str(failure), attempts.ENDING, 0, Verdict(failure.verdict)
    )


def _take(inboxes: Collection[str], emitted: list[tuple[str, str]], inbox: str, body: str) -> None:
    outbox.validate(inbox, body, list(inboxes))
    emitted.append((inbox, body))
