"""What an attempt and the process that executes its job pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from openfn.jobs.state import InitialState


class ResumeState(NamedTuple):
    """Where a job can resume: the number of an operation, and the state before it as JSON.

    The state is `None` if JSON cannot represent it exactly.
    """

    operation: int
    state: bytes | None
    emitted: int = 0
    """How many messages of the attempt were emitted before the item at which it resumes."""


class OperationName(NamedTuple):
    """An operation of a job: its name, and its line in the job's file."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class JobFile:
    """What a job needs before it has a state: its file and run, and where it may emit to."""

    expression: Path
    run_id: str
    began: int
    """When the run's first attempt began (epoch seconds)."""
    inboxes: tuple[str, ...] = ()
    depth: int = 0
    """How many runs, one after the other, emitted the message that the run goes back to."""
    adaptor: str = ""
    """The adaptor of the job's credential."""
    dialect: str = "common"
    """Of a JavaScript job: the adaptor that its operations are those of, such as `salesforce@2`."""
    megabytes: int = 382
    """The memory that a JavaScript job may use; by default that of the stack's default."""


@dataclass(frozen=True, slots=True)
class Start:
    """With what the operations start: a state, the credential, and the first operation."""

    initial: InitialState
    configuration: Mapping[str, Any] = field(default_factory=dict)
    operation: int = 0


class WorkListener(Protocol):
    """Receives what the adaptors report while a job executes."""

    def on_emit(self, inbox: str, body: str) -> object:
        """Collect a message (JSON text) that the job emits."""

    def on_tokens(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the reply to a request about the stored tokens of the credential."""

    def on_secret(self, text: str) -> object:
        """Mask a text from now on: a token that was fetched during the run."""


class Listener(WorkListener, Protocol):
    """Receives what a job prints, its progress and its result."""

    def on_output(self, output: bytes) -> object:
        """Collect what the job prints."""

    def on_operation(self, number: int, resume: ResumeState | None) -> object:
        """Note that an operation begins, and where a retry resumes unless that is unchanged."""

    def on_prepared(self, final: bytes) -> object:
        """Take the final state as JSON, before the adaptors commit their work."""

    def on_unexpected(self, fields: Mapping[str, str]) -> object:
        """Report an error that is neither the job's nor an adaptor's: its class and location."""
