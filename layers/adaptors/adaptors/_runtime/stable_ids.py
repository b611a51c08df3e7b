"""Identifiers that a retry of a run finds again, so that it writes nothing twice.

They are derived from the run's id and from the content, not from a counter: when a retry reads
other rows than the attempt before it, no row comes to bear another row's identifier.
"""

from __future__ import annotations

from collections import Counter
from threading import local
from uuid import NAMESPACE_DNS, uuid4, uuid5

from adaptors._runtime import run_context

_NAMESPACE = uuid5(NAMESPACE_DNS, "openfn.org")
_met = local()


def stable_uuid(content: str) -> str:
    """Give a UUID for a content; the same content once more in the same run gets another.

    Outside of a run there is no retry to think of, and each UUID is a new one.

    >>> from datetime import UTC, datetime
    >>> def attempt():
    ...     with run_context.run_context("message#job", datetime.now(UTC)):
    ...         return [stable_uuid("a"), stable_uuid("a"), stable_uuid("b")]
    >>> attempt() == attempt(), len(set(attempt()))
    (True, 3)
    """
    run = run_context.current_run()
    if not run.id:
        return str(uuid4())
    if getattr(_met, "run", None) is not run:  # each attempt is an object of its own
        _met.run, _met.times = run, Counter[str]()
    alike = str(uuid5(_NAMESPACE, content))
    _met.times[alike] += 1
    return str(uuid5(_NAMESPACE, f"{run.id}\n{_met.times[alike]}\n{alike}"))
