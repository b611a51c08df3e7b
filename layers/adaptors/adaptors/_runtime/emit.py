"""Where what a job emits goes: whoever executes the job takes it.

The stack's runner makes messages of it once the run has succeeded; `ofn try` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from adaptors.errors import ConfigurationError

Receiver = Callable[[str, str], object]
"""Is given an inbox's name and a body as JSON text; raises what is wrong with them."""
_take: ContextVar[Receiver | None] = ContextVar("take", default=None)


@contextmanager
def emit_to(take: Receiver) -> Iterator[None]:
    """Hand what the jobs of this context emit to `take`."""
    token = _take.set(take)
    try:
        yield
    finally:
        _take.reset(token)


def emit(inbox: str, body: str) -> None:
    """Emit a body, a JSON text, to an inbox; `ConfigurationError` where nobody takes it."""
    take = _take.get()
    if take is None:
        raise ConfigurationError(
            "nobody takes what is emitted here: execute the job in a stack or with `ofn try`"
        )
    take(inbox, body)
