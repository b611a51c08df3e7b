"""The time limit stops a job in the main thread and in other threads."""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from openfn.jobs import timeout


def test_sleep_in_the_main_thread_is_interrupted():
    began = time.monotonic()
    with pytest.raises(timeout.TimedOut), timeout.limit(0.05):
        time.sleep(20)
    assert time.monotonic() - began < 10


def test_code_within_the_limit_finishes_and_the_signal_handler_is_restored():
    before = signal.getsignal(signal.SIGALRM)
    with timeout.limit(60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is before


def test_jobs_that_suppress_exceptions_are_stopped():
    def swallow():
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.001)

    with pytest.raises(timeout.TimedOut), timeout.limit(0.05):
        swallow()


def _in_thread(work):
    ended = []

    def run():
        try:
            work()
        except BaseException as error:
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    return ended[0]


def test_code_in_another_thread_is_stopped_at_its_next_step():
    def work():
        with timeout.limit(0.05):
            while True:
                time.sleep(0.001)

    assert isinstance(_in_thread(work), timeout.TimedOut)


def test_code_in_another_thread_within_the_limit_finishes():
    def work():
        with timeout.limit(0.05):
            pass
        until = time.monotonic() + 0.15
        while time.monotonic() < until:
            time.sleep(0.001)

    assert _in_thread(work) is None
