"""The results of an attempt, collected while its job is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openfn.jobs import state as states
from openfn.jobs.job_file import OperationName, ResumeState
from openfn.jobs.run_log import RunLog
from openfn.jobs.secret_masking import Masker
from openfn.jobs.secret_references import SecretReferences
from openfn.jobs.state import InitialState
from openfn.jobs.token_refresh import TOKENS, TokenRefresh
from openfn.project.compiled import Job
from openfn.runs import outbox
from openfn.runs.model import Run
from openfn.runs.outbox import Emission
from openfn.runs.outcomes import ResumePoint

OnUnexpected = Callable[[str, Mapping[str, str]], object]
"""Receives the id of a run, and class and location of an error that nobody expects."""


@dataclass(slots=True)
class AttemptResults:
    """The results of an attempt, collected while it lasts; the listener of its execution."""

    run: Run
    job: Job | None
    on_unexpected_error: OnUnexpected
    operations: Sequence[OperationName] = ()
    resume_at: ResumeState = field(default_factory=lambda: ResumeState(0, None))
    log: RunLog = field(default_factory=RunLog)
    emitted: list[tuple[int, Emission]] = field(default_factory=list)
    """Each emitted message, with the operation at which an attempt that emits it again resumes."""
    masker: Masker = field(default_factory=lambda: Masker({}))
    fetched_secrets: list[str] = field(default_factory=list)
    tokens: TokenRefresh | None = None
    references: SecretReferences = field(default_factory=lambda: SecretReferences({}))
    start: InitialState | None = None
    """The state with which it starts, unless that is a message, which stays as it is."""
    initial: InitialState | None = None
    """The state of a cron job, which a later run of the job replaces."""
    final: bytes | None = None
    carried_from: str = ""
    has_started: bool = False

    def on_output(self, output: bytes) -> None:
        """Collect what the job prints."""
        self.log.write(output)

    def on_operation(self, number: int, resume: ResumeState | None) -> None:  # noqa: ARG002
        """Note where the next attempt resumes."""
        self.resume_at = resume or self.resume_at

    def on_emit(self, inbox: str, body: str) -> None:
        """Collect a message that the job emits; raise `ProjectError` if it may not."""
        emission = outbox.create_emission(inbox, body)
        self.emitted.append((self.resume_at.operation, emission))

    def on_prepared(self, final: bytes) -> None:
        """Take the final state."""
        self.final = final

    def on_tokens(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the reply to a request about the stored tokens, which are masked from now on."""
        reply = self.tokens.reply(request) if self.tokens else {}
        for tokens in (request.get("tokens"), reply.get("tokens")):
            for name, value in (tokens or {}).items():
                if isinstance(value, str) and name in TOKENS:
                    self.on_secret(value)
        return reply

    def on_secret(self, text: str) -> None:
        """Mask a token that was fetched during the run."""
        self.fetched_secrets.append(text)
        self.masker = self.masker.with_texts(self.fetched_secrets)

    def on_unexpected(self, fields: Mapping[str, str]) -> None:
        """Report an error that is neither the job's nor an adaptor's."""
        self.on_unexpected_error(self.run.id, fields)

    def resume_point(self) -> ResumePoint | None:
        """Return where the next attempt resumes; it is stored, since a failed run is replayed."""
        operation, state, _ = self.resume_at
        if operation == 0 and state is None and self.start:
            state = states.to_json(self.start.build())
        if state is None or self.job is None or self.job.retry.fresh:
            return None
        names = tuple(operation.name for operation in self.operations[: operation + 1])
        return ResumePoint(operation, names, self.references.seal(state))

    def before_resume_point(self) -> list[Emission]:
        """Return the emitted messages of earlier operations and items.

        An attempt that resumes does not emit them again.
        """
        earlier = sum(at < 0 for at, _ in self.emitted) + self.resume_at.emitted
        return [
            emission
            for position, (at, emission) in enumerate(self.emitted)
            if at < self.resume_at.operation or position < earlier
        ]
