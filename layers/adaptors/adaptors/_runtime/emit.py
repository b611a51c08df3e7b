"""Pass emitted messages to the process that executes the job.

The runner makes messages of them once the run has succeeded; `ofn try` shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from adaptors.errors import ConfigurationError

Receiver = Callable[[str, str], object]
"""Receives an inbox's name and a body as JSON text; raises an error for an invalid one."""
_receiver: ContextVar[Receiver | None] = ContextVar("receiver", default=None)
_count: ContextVar[int] = ContextVar("emitted messages", default=0)


@contextmanager
def emit_to(receiver: Receiver) -> Iterator[None]:
    """Pass what the jobs of this context emit to `receiver`."""
    token, count_token = _receiver.set(receiver), _count.set(0)
    try:
        yield
    finally:
        _receiver.reset(token)
        _count.reset(count_token)


def count() -> int:
    """Return how many messages the receiver of this context got."""
    return _count.get()


def emit(inbox: str, body: str) -> None:
    """Emit a body (JSON text) to an inbox; raise ConfigurationError without a receiver."""
    receiver = _receiver.get()
    if receiver is None:
        raise ConfigurationError(
            "Nothing receives emitted messages here. Execute the job in a stack or with `ofn try`."
        )
    receiver(inbox, body)
    _count.set(_count.get() + 1)
