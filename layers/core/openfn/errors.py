"""The errors of the stack, each with whose problem it is.

    OpenFnError
    ├── UnreadableBody      the source: the posted bytes are in no supported format
    ├── ProjectError        the author: fix the project, a job file or a credential
    ├── JobError            an operation of a job raised; has its location and verdict
    ├── ConditionFailed     a conditional write found the item in another state
    ├── InvalidItem         the table refuses an item, however often it is sent
    ├── NotFound            an id on a queue has no item in the table
    ├── NotQueued           a queue did not accept an id
    ├── MatcherDied         the matcher's process dies whenever it matches a message
    ├── NotRecorded         a job has ended, but its outcome could not be stored
    ├── NotClaimed          another runner executes the run at this moment
    ├── NotReplayed         the run cannot be replayed: it has not ended, or was erased
    ├── NotBegun            the invocation has no time left for the run
    ├── NotDue              the run's next attempt is not due, and others must wait behind it
    └── GroupBlocked        an earlier id of the same queue group failed

Errors of AWS services are not wrapped: the queue delivers the id again.
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
    """The base class of all errors of the stack."""


class UnreadableBody(OpenFnError):
    """The posted bytes are in no supported format; the text says what and where."""


class ProjectError(OpenFnError):
    """The project, a job file or a credential is wrong; the text says where and how to fix it."""


class ConditionFailed(OpenFnError):
    """A conditional write found the item in another state; nothing was written."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("The item does not meet the condition of the write.")
        self.item = item
        """The current item; empty if it does not exist."""


class InvalidItem(OpenFnError):
    """The table refuses an item, however often it is sent: for example, it is too large."""


class NotFound(OpenFnError):
    """An id has no item in the table: it expired or was never stored."""


class NotQueued(OpenFnError):
    """A queue did not accept an id."""


class MatcherDied(OpenFnError):
    """The matcher's process died each time it matched a message."""


class NotRecorded(OpenFnError):
    """A job has ended, but an error of AWS prevented that its outcome is stored."""


class NotClaimed(OpenFnError):
    """Another runner executes the run at this moment."""


class NotReplayed(OpenFnError):
    """The run cannot be replayed: it has not ended, was replayed meanwhile, or was erased."""


class NotBegun(OpenFnError):
    """The invocation has no time left for the run, which comes again."""


@dataclass(slots=True)
class NotDue(OpenFnError):
    """The run's next attempt is due in `seconds`, and others must not overtake it."""

    seconds: int


class GroupBlocked(OpenFnError):
    """An earlier id of the same queue group failed and is delivered again first."""


@dataclass(slots=True)
class JobError(OpenFnError):
    """An operation of a job raised an error.

    `verdict` is the adaptor's; any other error is the author's. `line` counts from 1 in the job
    file, and is 0 when the job did not start.
    """

    type: str
    message: str
    operation: str
    line: int
    verdict: Verdict = Verdict.AUTHOR
    retry_after: float | None = None
    """Seconds after which the destination wants the next request, if it said so."""

    def __str__(self) -> str:
        return f"line {self.line}, {self.operation}: {self.type}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Return the `error` that a run stores and that failure triggers pass on."""
        return {name: value for name, value in asdict(self).items() if name != "retry_after"}


def log_fields(error: BaseException) -> dict[str, str]:
    """Return the fields of a log line for an error: its class or code, and its location.

    The text is left out, since an unexpected error may quote a message body; only a
    `ProjectError`, whose text is ours, is logged in full.
    """
    frames = traceback.extract_tb(error.__traceback__)
    location = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    text = {"what": str(error)} if isinstance(error, ProjectError) else {}
    return {"error": code or type(error).__name__, "where": location, **text}
