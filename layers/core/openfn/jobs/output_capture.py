"""Capture what a job prints and logs, for the log of its run.

A process has one standard output, but may execute several runs at once (the embedded stack does).
So each context has its own capture. Standard error and the lines of `logging` go to the capture
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

_write: ContextVar[Callable[[str], object] | None] = ContextVar("write", default=None)
_lock = Lock()
_CAPTURED = "is_captured"
_line_format = logging.Formatter("%(levelname)s %(name)s: %(message)s")


class _Output(io.TextIOBase):
    """A standard stream that writes to the context's capture, or else to the real one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.real = getattr(sys, name)

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # as the real standard output does
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        (_write.get() or self.real.write)(text)
        return len(text)

    def flush(self) -> None:
        if not self.real.closed:
            self.real.flush()

    def install(self) -> None:
        """Become the standard stream."""
        self.real = getattr(sys, self.name)
        setattr(sys, self.name, self)

    def uninstall(self) -> None:
        """Restore the real stream."""
        setattr(sys, self.name, self.real)


_outputs = (_Output("stdout"), _Output("stderr"))
_captures: list[object] = []


@contextmanager
def capture(write: Callable[[str], object]) -> Iterator[None]:
    """Pass what this context prints and logs to `write` instead of the standard streams."""
    with _lock:
        for output in () if _captures else _outputs:
            output.install()
        _captures.append(write)
        _redirect_logging()
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
    write = _write.get()
    if write is not None and not hasattr(record, _CAPTURED):  # by another handler
        setattr(record, _CAPTURED, True)
        write(f"{_line_format.format(record)}\n")
    return write is None
