"""The state that a job on the clock carries from its last successful run to its next.

It is kept apart from the runs, which expire: what a yearly job left is there a year later. An item
has `run_id`, the run that left it, and the bytes of the state; where these must lie in the bucket,
two objects take turns, so that one is whole while the other is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from openfn.storage import blobs, table
from openfn.storage.aws import Item


@dataclass(frozen=True, slots=True)
class Left:
    """A state as JSON, and the run that left it; `{}` of no run before the first success."""

    state: bytes = b"{}"
    run_id: str = ""


def read(job: str) -> Left:
    """Give what a job's last successful run left."""
    item = _read(job)
    return Left(blobs.read("state", item), item["run_id"]) if item else Left()


def following(job: str, run_id: str, state: bytes, left_by: str) -> Item | None:
    """Give the item that makes a state the job's.

    `left_by` is the run that left what this one began with: `None` is given when another has
    succeeded since. Their ids do not tell, since a run may be made by hand, or come late.
    """
    before = _read(job) or {"turn": 0, "run_id": ""}
    if before["run_id"] != left_by:
        return None
    turn = 1 - int(before["turn"])
    item = {**_key(job), "run_id": run_id, "turn": turn}
    return item | blobs.keep("state", state, f"jobs/{job}/{turn}")


def _read(job: str) -> Item | None:
    return next(iter(table.get([_key(job)])), None)


def _key(job: str) -> Item:
    return {"pk": f"job#{job}", "sk": "state"}
