"""Describe an exception as the error of a run: valid whatever its class contains, and bounded.

The attributes of an exception are the job's own: each may raise or have any type and size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from openfn.errors import JobError, ProjectError, UnreadableBody, Verdict, log_fields
from openfn.jobs.timeout import TimedOut

LOADING = "loading"
"""The `operation` of an error before the first operation, or outside of all."""
ENDING = "ending"
"""The `operation` of an error after the last, when the work could not be committed."""
UNEXPECTED = "Unexpected error. See the log of the runner."
_MAX_MESSAGE, _MAX_NAME = 5_000, 200
_IN_ITEM = "In item "


def job_error(error: BaseException, operation: str, line: int) -> JobError:
    """Return the error of a run in which an operation raised an exception.

    Its texts are complete and may contain secrets: see `mask_and_cut`.
    """
    return JobError(
        type=type(error).__name__,
        message=_message(error),
        operation=operation,
        line=line,
        verdict=_verdict(error),
        retry_after=_retry_after(error),
    )


def mask_and_cut(error: JobError, mask: Callable[[str], str]) -> JobError:
    """Mask the texts of an error and then cut them, so that no part of a secret remains."""
    error.type = _bounded(mask(error.type), _MAX_NAME)
    error.operation = _bounded(mask(error.operation), _MAX_NAME)
    error.message = _bounded(mask(error.message), _MAX_MESSAGE)
    return error


def of_execution(error: BaseException) -> tuple[JobError, dict[str, str]]:
    """Return the error of a run whose execution raised an exception.

    With it come the fields of a log line, if it is neither the job's error nor an adaptor's.
    """
    if isinstance(error, JobError):
        return error, {}
    if isinstance(error, ProjectError | UnreadableBody | TimedOut):
        return job_error(error, LOADING, 0), {}
    described = job_error(error, ENDING, 0)
    if attribute(error, "verdict"):  # an adaptor could not commit
        return described, {}
    return JobError(described.type, UNEXPECTED, LOADING, 0), log_fields(error)


def attribute(error: BaseException, name: str) -> Any:
    """Return an attribute of an exception; `None` if it has none or raises."""
    try:
        return getattr(error, name, None)
    except Exception:
        return None


def _message(error: BaseException) -> str:
    try:
        return ": ".join([*_items(error), str(error)])
    except Exception as failure:
        return f"The error has no text: its __str__ raised {type(failure).__name__}."


def _items(error: BaseException) -> list[str]:
    """Return the notes that name the items of lists at which an exception was raised."""
    notes = attribute(error, "__notes__")
    if not isinstance(notes, list):
        return []
    return [note for note in reversed(notes) if isinstance(note, str) and note.startswith(_IN_ITEM)]


def _verdict(error: BaseException) -> Verdict:
    try:
        return Verdict(attribute(error, "verdict"))
    except ValueError:  # missing, or an attribute of the job's own class that means something else
        return Verdict.AUTHOR


def _retry_after(error: BaseException) -> float | None:
    """Return the seconds of `retry_after`, which may be text as in the header of a response."""
    try:
        seconds = float(attribute(error, "retry_after"))
    except Exception:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _bounded(text: str, limit: int) -> str:
    """Return the beginning of a text, such that it can be stored beside a run's contents."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text)} characters)"
    return text.encode("utf-8", "backslashreplace").decode()
