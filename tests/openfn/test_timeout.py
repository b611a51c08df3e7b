"""The time limit stops a job in the main thread and in other threads."""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn.errors import JobError
from openfn.jobs import timeout
from openfn.jobs.execution import InProcess
from openfn.jobs.job_file import JobFile, Start
from openfn.jobs.state import InitialState


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


class _Listener:
    def __getattr__(self, name):
        return lambda *_: None


def test_work_that_cannot_be_committed_in_time_is_no_error_of_loading(tmp_path):
    """So that it counts against the destination's circuit."""
    path = tmp_path / "slow.py"
    path.write_text(
        "import time\n"
        "from adaptors._runtime.run_context import UnitOfWork, on_attempt_end\n"
        "from adaptors.common import fn\n"
        "sleep = lambda: time.sleep(20)\n"
        "work = UnitOfWork(sleep, lambda: None, lambda: False)\n"
        "fn(lambda state: {'pending': on_attempt_end(work)})\n",
        "utf-8",
    )
    executor, end = InProcess(AdaptorRuntime()), time.monotonic() + 60
    with executor.session(None, 0.1, end, _Listener()) as run:
        run.load(JobFile(path, "run", 0))
        with pytest.raises(JobError) as caught:
            run.execute(Start(InitialState(b"{}")))
    assert (caught.value.type, caught.value.operation) == ("TimedOut", "ending")
    assert caught.value.verdict == "remote-for-now"
