"""A time limit for jobs, which ends before Lambda would kill the whole function."""

from __future__ import annotations

import ctypes
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from openfn.errors import Verdict


class TimedOut(BaseException):
    """The time limit is over. It is not an `Exception`, so that no job catches it by accident."""

    verdict = Verdict.RETRYABLE

    def __str__(self) -> str:
        return (
            "The job was stopped at the time limit of a run. Let it do less at once, or raise the "
            "stack's parameter RunSeconds."
        )


_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def seconds_left() -> float:
    """Return the seconds until the limit of this context; infinite without one."""
    return _deadline.get() - time.monotonic()


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise `TimedOut` in the enclosed code after some seconds.

    In the main thread, where Lambda calls handlers, it also interrupts a wait for a response. In
    other threads (the embedded stack has many) it is raised at the next step of Python code.
    """
    is_main = threading.current_thread() is threading.main_thread()
    token = _deadline.set(time.monotonic() + seconds)
    try:
        with _limit_by_signal(seconds) if is_main else _limit_by_timer(seconds):
            yield
    finally:
        _deadline.reset(token)


@contextmanager
def _limit_by_signal(seconds: float) -> Iterator[None]:
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
def _limit_by_timer(seconds: float) -> Iterator[None]:
    thread_id, lock = threading.get_ident(), threading.Lock()

    def stop() -> None:
        with lock:
            if not timer.finished.is_set():
                _raise_in(thread_id, TimedOut)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            timer.cancel()
            timer.finished.set()


def _raise_in(thread_id: int, error: type[BaseException]) -> None:
    thread = ctypes.c_ulong(thread_id)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(error))
