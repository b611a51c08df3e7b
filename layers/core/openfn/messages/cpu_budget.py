"""A limit on the CPU time that parsing a body may take.

The parsers take linear time and count what they read. This is the second line of defence: a body
that is slow for a reason nobody thought of is stored and answered 400, like any unreadable body.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openfn.errors import UnreadableBody

# With a function's 1 GB of memory, which has about half a CPU, this takes less than ten seconds.
_SECONDS = 4.0


@contextmanager
def limit_cpu(seconds: float = _SECONDS) -> Iterator[None]:
    """Raise `UnreadableBody` once the block has used this much CPU time.

    A signal interrupts the block, so this works in the main thread only, as in Lambda, and a call
    of a C function is interrupted when it returns.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _stop(*_: Any) -> None:
    raise UnreadableBody("The body takes too much time to parse. Post less at once.")
