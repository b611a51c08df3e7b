"""A limit to how long a job takes, kept before Lambda kills the whole function."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from openfn.project.retry_policy import FOR_NOW


class TimedOut(BaseException):
    """The time is over; not an `Exception`, so that no job takes it for an error of its own."""

    verdict = FOR_NOW

    def __str__(self) -> str:
        return "the job was stopped: it took as long as a run may (the stack's RunSeconds)"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TimedOut` in what this encloses once so many seconds have passed.

    In the main thread, where Lambda runs handlers, that ends a wait for an answer too. Elsewhere
    (the embedded stack has many threads) it takes effect at the next step of Python code.
    """
    if threading.current_thread() is threading.main_thread():
        with _by_signal(seconds):
            yield
    else:
        with _by_thread(seconds):
            yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    ours, over = threading.get_ident(), threading.Lock()

    def stop() -> None:
        with over:
            if not timer.finished.is_set():
                _raise_in(ours, TimedOut)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with over:
            timer.cancel()
            timer.finished.set()


def _raise_in(thread: int, exception: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(exception))
