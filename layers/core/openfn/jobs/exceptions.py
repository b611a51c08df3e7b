"""Describe an exception as the error of a run: valid whatever its class contains, and bounded.

The attributes of an exception are the job's own: each may have any type and size, and raise even
what would end the process.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from openfn.errors import JobError, ProjectError, UnreadableBody, Verdict, log_fields
from openfn.jobs.timeout import TimedOut

_T = TypeVar("_T")
LOADING = "loading"
"""The `operation` of an error before the first operation, or outside of all."""
ENDING = "ending"
"""The `operation` of an error after the last, when the work could not be committed."""
UNEXPECTED = "Unexpected error. See the log of the runner."
_MAX_MESSAGE, _MAX_NAME = 5_000, 200
# A text cut before it is masked keeps what is shown of it, and each secret that begins there.
_MAX_UNMASKED = 200_000
_IN_ITEM = "In item "
# What would end the process, if a job raised it outside of its operations.
_EXITS = (GeneratorExit, KeyboardInterrupt, SystemExit)


def job_error(error: BaseException, operation: str, line: int) -> JobError:
    """Return the error of a run in which an operation raised an exception.

    Its texts may contain secrets: see `mask_and_cut`.
    """
    return JobError(
        type=type(error).__name__[:_MAX_UNMASKED],
        message=_message(error)[:_MAX_UNMASKED],
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
    if isinstance(error, _EXITS):
        described.message = f"The job raised {described.type}, which would end the process."
        return described, {}
    fields = _read(lambda: log_fields(error)) or {"error": described.type}
    return JobError(described.type, UNEXPECTED, LOADING, 0), fields


def is_ctrl_c(error: BaseException) -> bool:
    """Return whether an exception may come from the terminal, and not from a job.

    A worker ignores Ctrl-C, and only the main thread of another process receives it.
    """
    is_main_thread = threading.current_thread() is threading.main_thread()
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return isinstance(error, KeyboardInterrupt) and is_main_thread and not is_ignored


def attribute(value: Any, name: str) -> Any:
    """Return an attribute of an exception or of its attribute; `None` if it has none or raises."""
    return _read(lambda: getattr(value, name, None))


def _message(error: BaseException) -> str:
    try:
        return ": ".join([*_items(error), str(error)])
    except TimedOut:
        raise
    except BaseException as failure:
        return f"The error has no text: its __str__ raised {type(failure).__name__}."


def _items(error: BaseException) -> list[str]:
    """Return the notes that name the items of lists at which an exception was raised."""
    notes = attribute(error, "__notes__")
    if not isinstance(notes, list):
        return []
    return [note for note in reversed(notes) if isinstance(note, str) and note.startswith(_IN_ITEM)]


def _verdict(error: BaseException) -> Verdict:
    # It may be an attribute of the job's own class that means something else.
    return _read(lambda: Verdict(attribute(error, "verdict"))) or Verdict.AUTHOR


def _retry_after(error: BaseException) -> float | None:
    """Return the seconds of `retry_after`, which may be text as in the header of a response."""
    seconds = _read(lambda: float(attribute(error, "retry_after")))
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None


def _read(read: Callable[[], _T]) -> _T | None:
    """Return what a function reads from an exception; `None` if it raises."""
    try:
        return read()
    except TimedOut:
        raise
    except BaseException:
        return None


def _bounded(text: str, limit: int) -> str:
    """Return the beginning of a text, such that it can be stored beside a run's contents."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text)} characters)"
    return text.encode("utf-8", "backslashreplace").decode()
