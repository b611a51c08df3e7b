"""What only the machine with the project can do; a deployed console has no such tools.

It reads and writes the project's files, runs jobs, and receives from dead-letter queues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from openfn.messages.store import Message
from openfn.project.triggers import MessageTrigger


class Change(StrEnum):
    """How a filter is written into project.yaml."""

    REPLACE = "replace"
    """It becomes the only inclusion of a trigger."""
    ADD = "add"
    """It becomes another inclusion of a trigger: one of them has to match."""
    NEW = "new"
    """It becomes a new trigger of a job."""


@dataclass(frozen=True, slots=True)
class FilterChange:
    """A filter to write: its YAML text, and the trigger that has it."""

    kind: Change
    trigger: str
    text: str
    job: str = ""
    """The job that a new trigger starts."""
    inbox: str = ""
    """The only inbox of a new trigger, or an empty text for all."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """The file of a job as it is on the disk now."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a dry run: what it would send, its log, and its final state or error."""

    requests: Sequence[Mapping[str, Any]]
    emitted: Sequence[Mapping[str, Any]]
    log: str
    error: Mapping[str, Any] | None
    initial: Any
    final: Any


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A dead-letter queue: how many ids it has, and those that can be read."""

    name: str
    count: int
    letters: Sequence[DeadLetter]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An id that failed too often."""

    id: str
    kind: str
    """`message` or `run`."""
    since: str
    summary: str


class ProjectRefused(Exception):
    """The project or a filter has problems, which the text names."""


class Tools(Protocol):
    """The files of the project, and processes that run its jobs."""

    def parse_filter(self, text: str, inbox: str) -> MessageTrigger:
        """Return the filter of a YAML text; raise `ProjectRefused` if it is invalid."""

    def save_filter(self, change: FilterChange) -> None:
        """Write a filter into project.yaml; raise `ProjectRefused` if it would be invalid."""

    def job_file(self, job: str) -> JobFile:
        """Return the file of a job; raise `ProjectRefused` if the project has none."""

    def try_job(self, job: str, message: Message) -> Trial:
        """Run a job's file on a message as a dry run, again only after a file was saved.

        Raises `ProjectRefused` if the project has problems or the run does not end.
        """

    def dead_letters(self) -> Sequence[DeadLetters]:
        """Return the dead-letter queues of the stack."""

    def put_back_dead_letters(self) -> tuple[int, str]:
        """Put all ids back on their queues; return how many, and why the rest was not moved."""
