"""Run one job on this machine, on a saved post or a state, without AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from adaptors._runtime.dry_run import Dry, DryRequest, DryRows, Responder, dry_run
from adaptors._runtime.job_runtime import AdaptorRuntime
from adaptors.errors import AdaptorError
from openfn import ids
from openfn.errors import JobError, Verdict
from openfn.jobs import exceptions, initial_state, loading, output_capture
from openfn.jobs import state as states
from openfn.jobs.exceptions import ENDING
from openfn.jobs.expression import execute
from openfn.jobs.job_file import JobFile
from openfn.jobs.secret_masking import Masker
from openfn.jobs.secret_references import SecretReferences
from openfn.jobs.state import State
from openfn.messages import emission
from openfn.messages.store import Message
from workbench.errors import CommandError
from workbench.project.schema.base import Spec
from workbench.project.schema.trigger import CronTriggerSpec, MessageTriggerSpec


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The result of a job: its final state or error, log, requests and emitted messages.

    The secrets of its credential are masked in the log and the error; the rest is data.
    """

    final: dict[str, Any] | None
    error: JobError | None
    log: str
    requests: tuple[Dry, ...]
    emitted: tuple[tuple[str, str], ...] = ()
    """Inbox and body (JSON text) of each emitted message."""
    masker: Masker = field(default_factory=lambda: Masker({}))

    def masked(self) -> LocalRun:
        """Return the result with masked data, to show it."""
        mask = self.masker.mask_value
        emitted = tuple((mask(i), json.dumps(mask(json.loads(body)))) for i, body in self.emitted)
        requests = tuple(_masked(request, mask) for request in self.requests)
        return replace(self, final=mask(self.final), requests=requests, emitted=emitted)

    def as_dict(self) -> dict[str, Any]:
        """Return the result for `--json`."""
        return {
            "final": self.final,
            "error": self.error.as_dict() if self.error else None,
            "log": self.log,
            "requests": [request.as_dict() for request in self.requests],
            "emitted": [{"inbox": inbox, "body": json.loads(body)} for inbox, body in self.emitted],
        }


def state_from_post(
    body: bytes, query_params: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> State:
    """Return the initial state of a job for a message with this body."""
    message = Message(ids.new_message_id(), "try", body, "POST", headers or {}, query_params)
    return initial_state.of_message(message).build()


def state_without_post(job: str, triggers: Sequence[Spec], state: State | None) -> State:
    """Return the initial state of a run that no message starts."""
    by_message = all(isinstance(trigger, MessageTriggerSpec) for trigger in triggers)
    if by_message and state is None:
        raise CommandError(f"{job} runs on messages. Name a file with the body of a post.")
    initial = state or {}
    if any(isinstance(trigger, CronTriggerSpec) for trigger in triggers):
        return {**initial, "scheduled": states.scheduled_at(ids.new_message_id())}
    return initial


def run_locally(
    expression: Path,
    state: State,
    configuration: Mapping[str, Any],
    *,
    dry: bool,
    secret_fields: Collection[tuple[str, ...]] = (),
    inboxes: Collection[str] = (),
    responder: Responder | None = None,
    missing_is_null: bool = False,
    timezone: str = "UTC",
    adaptor: str = "",
    dialect: str = "common",
    tokens: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> LocalRun:
    """Execute a job on a state. A dry run sends nothing and uses the responder or `200 {}`.

    Messages emitted to one of the `inboxes` are recorded and never sent.
    """
    masker = Masker(configuration, secret_fields)
    references = SecretReferences(configuration, secret_fields)
    initial = states.with_configuration(state, configuration)
    log: list[str] = []
    emitted: list[tuple[str, str]] = []
    fetched: list[str] = []
    file = JobFile(expression, f"try#{expression.stem}", 0, dialect=dialect)
    runtime = AdaptorRuntime()
    runtime.missing_is_null, runtime.timezone = missing_is_null, timezone
    recording: AbstractContextManager[list[Dry]] = dry_run(responder) if dry else nullcontext([])
    with (
        recording as requests,
        runtime.run_context(file.run_id, datetime.now(UTC), adaptor, expression.parent),
        output_capture.capture_job(log.append),
        runtime.emit_to(partial(_record_emitted, inboxes, emitted)),
        runtime.tokens(tokens or _no_tokens, fetched.append),
    ):
        content, error = _execute(file, initial, runtime)
    masker = masker.with_texts(fetched)
    if error:
        error = exceptions.mask_and_cut(error, masker.mask)
    final = json.loads(references.without_configuration(content)) if content else None
    log_text = masker.mask("".join(log))
    return LocalRun(final, error, log_text, tuple(requests), tuple(emitted), masker)


def _execute(
    file: JobFile, initial: State, runtime: AdaptorRuntime
) -> tuple[bytes | None, JobError | None]:
    """Return the final state as JSON, or the error."""
    try:
        with runtime.attempt():
            return states.to_json(execute(loading.load(file), initial, file.expression)), None
    except JobError as error:
        return None, error
    except AdaptorError as error:  # a transaction could not be committed
        return None, _job_error(error)


def _masked(request: Dry, mask: Callable[[Any], Any]) -> Dry:
    if isinstance(request, DryRequest):
        body = mask(request.body.decode("utf-8", "replace")).encode()
        return replace(request, url=mask(request.url), headers=mask(request.headers), body=body)
    rows = request.rows
    if isinstance(rows, DryRows):
        rows = DryRows(replace(row, values=tuple(mask(row.values))) for row in rows)
    return replace(request, sql=mask(request.sql), values=tuple(mask(request.values)), rows=rows)


def _job_error(error: AdaptorError) -> JobError:
    return JobError(type(error).__name__, str(error), ENDING, 0, Verdict(error.verdict))


def _no_tokens(_request: Mapping[str, Any]) -> Mapping[str, Any]:
    message = "The credential has a refresh token, and no file that could store the next one."
    return {"error": message, "verdict": Verdict.AUTHOR}


def _record_emitted(
    inboxes: Collection[str], emitted: list[tuple[str, str]], inbox: str, body: str
) -> None:
    emission.validate(inbox, body, list(inboxes))
    emitted.append((inbox, body))
