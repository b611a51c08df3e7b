"""Capture what a job prints, for the log of its run.

A process has one standard output, but may execute several runs at once (the embedded stack does).
So each context has its own capture.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

_write: ContextVar[Callable[[str], object] | None] = ContextVar("write", default=None)
_lock = Lock()


class _Output(io.TextIOBase):
    """Standard output that writes to the context's capture, or else to the real one."""

    captures = 0

    def __init__(self) -> None:
        super().__init__()
        self.real = sys.stdout

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # as the real standard output does
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        (_write.get() or self.real.write)(text)
        return len(text)

    def flush(self) -> None:
        if not self.real.closed:
            self.real.flush()


_output = _Output()


@contextmanager
def capture(write: Callable[[str], object]) -> Iterator[None]:
    """Pass what this context prints to `write` instead of standard output."""
    with _lock:
        if not _output.captures:
            _output.real, sys.stdout = sys.stdout, _output
        _output.captures += 1
    token = _write.set(write)
    try:
        yield
    finally:
        _write.reset(token)
        with _lock:
            _output.captures -= 1
            if not _output.captures:
                sys.stdout = _output.real
