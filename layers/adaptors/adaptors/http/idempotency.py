"""Idempotency keys, by which a destination recognizes a request that it has already served."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from adaptors._http.request import Request
from adaptors._runtime.run_context import current_run
from adaptors._runtime.stable_ids import occurrence
from adaptors.operations import State


def idempotency_key(state: State, request: Request, option: Any) -> str | None:
    """Return the key for the option `idempotency_key`: the job's own, a stable one, or None."""
    return stable_key(state, request) if option is True else option or None


def stable_key(state: State, request: Request) -> str:
    """Return a key that every attempt of a run derives again, different for each request.

    It depends on the run's id, the request with its body, and the position in the run: `index` and
    the number of `references`, since a retry resumes with the state of the attempt before.
    """
    position = [state.get("index"), len(state.get("references") or [])]
    run_id = current_run().id or uuid4().hex
    parts = [run_id, request.method, request.path, request.query, position]
    text = json.dumps(parts, default=str, sort_keys=True)
    digest = hashlib.sha256(text.encode() + b"\0" + (request.body or b"")).hexdigest()
    return str(uuid5(NAMESPACE_OID, f"{digest} {occurrence(digest)}"))
