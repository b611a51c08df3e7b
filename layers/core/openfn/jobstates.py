"""The state that a job on the clock carries from its last successful run to its next.

It is kept apart from the runs, which expire: what a yearly job left is there a year later. An item
has `run_id`, the run that left it, and the bytes of the state; where these must lie in the bucket,
two objects take turns, so that one is whole while the other is written.
"""

from __future__ import annotations

from openfn import contents, table
from openfn.aws import Item


def read(job: str) -> bytes | None:
    """Give the state a job left as JSON; `None` before its first success."""
    item = _read(job)
    return contents.read("state", item) if item else None


def following(job: str, run_id: str, state: bytes) -> Item | None:
    """Give the item that makes a state the job's; `None` when a later run has left one already."""
    before = _read(job) or {"turn": 0}
    if before.get("run_id", "") > run_id:
        return None
    turn = 1 - int(before["turn"])
    item = {**_key(job), "run_id": run_id, "turn": turn}
    return item | contents.keep("state", state, f"jobs/{job}/{turn}")


def _read(job: str) -> Item | None:
    return next(iter(table.get([_key(job)])), None)


def _key(job: str) -> Item:
    return {"pk": f"job#{job}", "sk": "state"}
