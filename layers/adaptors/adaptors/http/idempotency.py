"""Keys by which a destination knows a request again that it has served already."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextvars import ContextVar
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from adaptors._http.request import Request
from adaptors._runtime import run_context
from adaptors._runtime.run_context import RunContext
from adaptors.operations import State

_made: ContextVar[tuple[RunContext, Counter[str]] | None] = ContextVar("made", default=None)


def key_of(state: State, call: Request) -> str:
    """Give the key of a request: each attempt of a run makes the same, two requests never do.

    It is made of the run's id, what is asked with which body, and where the run is: `index`, and
    how many answers are among the `references`, since an attempt goes on with the state that the
    one before was given.
    """
    run = run_context.current_run()
    where = [state.get("index"), len(state.get("references") or [])]
    what = [run.id or uuid4().hex, call.method, call.path, call.query, where]
    text = json.dumps(what, default=str, sort_keys=True)
    made = hashlib.sha256(text.encode() + b"\0" + (call.body or b"")).hexdigest()
    return str(uuid5(NAMESPACE_OID, f"{made} {_nth(run, made)}"))


def _nth(run: RunContext, made: str) -> int:
    """Count the requests of an attempt that are the same in all else."""
    before = _made.get()
    if before is None or before[0] is not run:
        _made.set(before := (run, Counter()))
    before[1][made] += 1
    return before[1][made]


def key_for(state: State, call: Request, option: Any) -> str | None:
    """Give the key that `idempotency_key=` asks for, if it does: its own, or one of the run."""
    return key_of(state, call) if option is True else option or None
