"""The state that a cron job carries from its last successful run to its next run.

It has an item of its own, because runs expire: a yearly job needs its state a year later. The item
names the run that left the state. Large states are in the bucket, in two objects that take turns,
so that one is complete while the other is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from openfn.storage import blobs, table
from openfn.storage.dynamodb_values import Item


@dataclass(frozen=True, slots=True)
class CarriedState:
    """A state as JSON, and the run that left it; `{}` of no run before the first success."""

    state: bytes = b"{}"
    run_id: str = ""


def load(job: str) -> CarriedState:
    """Load the state that a job's last successful run left."""
    item = _load(job)
    return CarriedState(blobs.read("state", item), item["run_id"]) if item else CarriedState()


def next_item(job: str, run_id: str, state: bytes, carried_from: str) -> Item | None:
    """Return the item that makes a state the job's carried state.

    Returns `None` if another run has succeeded since this one began with the state that
    `carried_from` left. Ids do not show this: runs may be created by hand, or late.
    """
    before = _load(job) or {"turn": 0, "run_id": ""}
    if before["run_id"] != carried_from:
        return None
    turn = 1 - int(before["turn"])
    item = {**_key(job), "run_id": run_id, "turn": turn}
    return item | blobs.store("state", state, f"jobs/{job}/{turn}")


def _load(job: str) -> Item | None:
    return next(iter(table.get([_key(job)])), None)


def _key(job: str) -> Item:
    return {"pk": f"job#{job}", "sk": "state"}
