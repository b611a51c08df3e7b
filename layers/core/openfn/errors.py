"""What can go wrong in the stack, and whose problem it is.

    OpenFnError
    ├── UnreadableBody      the source's: the posted bytes are in no form we can read
    ├── ProjectError        the author's: the project, a job file or a credential needs mending
    ├── JobError            whatever a job's operation raised, with its place and its verdict
    ├── ConditionFailed     a conditional write found the item in another state
    ├── NotFound            an id on a queue has no item in the table
    ├── NotQueued           a queue did not take an id
    ├── NotClaimed          the run is being executed elsewhere at this moment
    ├── NotReplayed         a run cannot run again: it has not ended, or what it began with is gone
    ├── NotDue              the run's next attempt is not due, and others must not pass it
    └── Behind              an id waits for another of its group, which failed

What AWS raises is passed on as it is: the queue then delivers the id again.
"""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Whose problem a job's error is; adaptors have the same values."""

    AUTHOR = "author"
    REMOTE = "remote"
    RETRYABLE = "remote-for-now"


class OpenFnError(Exception):
    """The root of the tree."""


class UnreadableBody(OpenFnError):
    """The posted bytes are in no form we can read; the text says what and where."""


class ProjectError(OpenFnError):
    """The project, a job file or a credential needs mending; the text says where and how."""


class ConditionFailed(OpenFnError):
    """A conditional write found the item in another state; nothing was written."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("the item does not meet the condition of a write")
        self.item = item
        """The item as it is; empty if there is none."""


class NotFound(OpenFnError):
    """An id on a queue has no item in the table: it expired, or was never kept."""


class NotQueued(OpenFnError):
    """A queue did not take an id."""


class NotClaimed(OpenFnError):
    """The run is being executed elsewhere at this moment."""


class NotReplayed(OpenFnError):
    """A run cannot run again: it has not ended, was replayed meanwhile, or was erased."""


@dataclass(slots=True)
class NotDue(OpenFnError):
    """The run's next attempt is due in so many seconds, and others must not pass it."""

    seconds: int


class Behind(OpenFnError):
    """An id waits for another of its group, which failed and is delivered again."""


@dataclass(slots=True)
class JobError(OpenFnError):
    """Whatever a job's operation raised.

    `verdict` is `author`, `remote` or `remote-for-now`, as the adaptor's error says; anything
    an adaptor did not judge is the author's. `line` counts from 1 in the job's file; 0 is none of
    its lines, when the job could not even be begun.
    """

    type: str
    message: str
    operation: str
    line: int
    verdict: Verdict = Verdict.AUTHOR
    retry_after: float | None = None
    """The destination's own wish in seconds, if it has one."""

    def __str__(self) -> str:
        return f"line {self.line}, {self.operation}: {self.type}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Give the `error` that a run keeps and a failure trigger hands on."""
        return {name: value for name, value in asdict(self).items() if name != "retry_after"}


def place(error: BaseException) -> dict[str, str]:
    """Describe an error for a log line: its class and place, never its text.

    The text of an error nobody foresaw may quote a message body; a `ProjectError`'s is our own.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    what = {"what": str(error)} if isinstance(error, ProjectError) else {}
    return {"error": code or type(error).__name__, "where": where, **what}
