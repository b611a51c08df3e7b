"""Capture what a job prints and logs, for the log of its run.

A process has one standard output, but may execute several runs at once (the embedded stack does).
So each context has its own capture. A job's standard error and its lines of `logging` are captured
too: they would be in the log of the function otherwise, where no secret is masked.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

Write = Callable[[str], object]
_write: ContextVar[Write | None] = ContextVar("write", default=None)
_write_of_job: ContextVar[Write | None] = ContextVar("write_of_job", default=None)
_lock = Lock()
_CAPTURED = "is_captured"
_line_format = logging.Formatter("%(levelname)s %(name)s: %(message)s")


class _Output(io.TextIOBase):
    """A standard stream that writes to the context's capture, or else to the real one."""

    def __init__(self, name: str, write: ContextVar[Write | None]) -> None:
        super().__init__()
        self.name, self._captured_write = name, write
        self.real = getattr(sys, name)

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # as the real standard output does
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        (self._captured_write.get() or self.real.write)(text)
        return len(text)

    def flush(self) -> None:
        if not self.real.closed:
            self.real.flush()

    def close(self) -> None:
        """Stay open: other runs of this process write to the same stream."""

    def install(self) -> None:
        """Become the standard stream."""
        self.real = getattr(sys, self.name)
        setattr(sys, self.name, self)

    def uninstall(self) -> None:
        """Restore the real stream."""
        setattr(sys, self.name, self.real)


_outputs = (_Output("stdout", _write), _Output("stderr", _write_of_job))
_captures: list[object] = []


@contextmanager
def capture_job(write: Write) -> Iterator[None]:
    """Pass what a job prints and logs to `write`, standard error included."""
    token = _write_of_job.set(write)
    try:
        with capture(write):
            _redirect_logging()
            yield
    finally:
        _write_of_job.reset(token)


@contextmanager
def capture(write: Write) -> Iterator[None]:
    """Pass what this context prints to `write` instead of standard output."""
    with _lock:
        for output in () if _captures else _outputs:
            output.install()
        _captures.append(write)
    token = _write.set(write)
    try:
        yield
    finally:
        _write.reset(token)
        with _lock:
            _captures.remove(write)
            for output in () if _captures else _outputs:
                output.uninstall()


def _redirect_logging() -> None:
    """Let the root logger's handlers, such as Lambda's, pass a job's lines to its capture."""
    for handler in logging.getLogger().handlers:
        if _is_not_captured not in handler.filters and not _writes_to_capture(handler):
            handler.addFilter(_is_not_captured)


def _writes_to_capture(handler: logging.Handler) -> bool:
    return getattr(handler, "stream", None) in _outputs


def _is_not_captured(record: logging.LogRecord) -> bool:
    write = _write_of_job.get()
    if write is not None and not hasattr(record, _CAPTURED):  # by another handler
        setattr(record, _CAPTURED, True)
        write(f"{_format(record)}\n")
    return write is None


def _format(record: logging.LogRecord) -> str:
    try:
        return _line_format.format(record)
    except Exception:  # `logging` does not raise either when arguments do not fit
        return f"{record.levelname} {record.name}: {record.msg!r} with {record.args!r}"
