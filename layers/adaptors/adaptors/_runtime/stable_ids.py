"""Ids that are the same in every attempt of a run, so that a retry writes nothing twice.

They depend on the run's id and on content, not on a counter of all records: when a retry reads
other rows than the attempt before, no row gets another row's id. Equal contents are numbered.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from uuid import NAMESPACE_DNS, uuid4, uuid5

from adaptors._runtime import run_context
from adaptors._runtime.run_context import RunContext

_NAMESPACE = uuid5(NAMESPACE_DNS, "openfn.org")
_counted: ContextVar[tuple[RunContext, Counter[str]] | None] = ContextVar("counted", default=None)


def stable_uuid(content: str) -> str:
    """Return a UUID for a content; the same content again in the same run gets another one.

    Outside of a run, each UUID is random.

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
    content_id = str(uuid5(_NAMESPACE, content))
    return str(uuid5(_NAMESPACE, f"{run.id}\n{occurrence(content_id)}\n{content_id}"))


def occurrence(content_id: str) -> int:
    """Return how often this attempt has requested the id of a content, from 1."""
    run = run_context.current_run()
    counted = _counted.get()
    if counted is None or counted[0] is not run:  # each attempt has a RunContext of its own
        counted = (run, Counter())
        _counted.set(counted)
    counted[1][content_id] += 1
    return counted[1][content_id]
