"""Whether a credential's destination is tried at all: a circuit breaker for each credential.

After so many failures for now in a row the circuit opens: its runs wait, which costs them no
attempt, and after a while one of them is let through. If that probe succeeds the circuit closes and
the others follow; if not, it stays open for twice as long. While all is well there is no item.
"""

from __future__ import annotations

import time
from contextlib import suppress
from enum import Enum, auto

from openfn.errors import ConditionFailed
from openfn.messages.store import expiry
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Item

_FAILURES = 5
_FIRST_SECONDS, _LONGEST_SECONDS = 60, 900
# A circuit is taken to be as it was so long without asking, unless it was open.
_KNOWN_SECONDS = 15.0
# What a runner parks while the circuit closes is found for so long.
_CLOSING_SECONDS = 120
_known: dict[str, tuple[float, Item]] = {}


class Way(Enum):
    """How a run may reach its destination: freely, as a probe, or not now."""

    FREE = auto()
    PROBE = auto()
    SHUT = auto()


def way_to(credential: str) -> Way:
    """Say how a run may reach a credential's destination; one runner at a time is let probe it."""
    when, circuit = _known.get(credential, (float("-inf"), {}))
    if time.monotonic() - when > _KNOWN_SECONDS:
        circuit = read(credential)
        if not is_open(circuit):
            _known[credential] = (time.monotonic(), circuit)
    if not is_open(circuit):
        return Way.FREE
    now, wait = int(time.time()), int(circuit["wait"])
    if int(circuit["until"]) > now:
        return Way.SHUT
    try:
        changes = {"until": now + wait, **attention.mark(Attention.CIRCUIT, now + wait)}
        when_seen = "#state = :open AND #until = :seen"
        table.update(_key(credential), changes, when_seen, open="open", seen=circuit["until"])
    except ConditionFailed:
        return Way.SHUT  # another runner was first
    return Way.PROBE


def succeeded(credential: str, way: Way) -> None:
    """Forget what there is against a destination, and let those that wait for it follow."""
    if way is Way.PROBE:
        until = int(time.time()) + _CLOSING_SECONDS
        changes = {"state": "closing", "until": until, "failures": 0}
        _set(credential, changes | attention.mark(Attention.CIRCUIT, time.time()))
    elif _known.get(credential, (0.0, {}))[1].get("failures"):
        _set(credential, {"failures": 0})
    else:
        return
    _known[credential] = (time.monotonic(), {})


def failed(credential: str, way: Way) -> bool:
    """Count a failure for now; say whether the circuit opens by it, or stays open."""
    _known.pop(credential, None)
    circuit = _set(credential, {}, add="failures")
    if way is Way.PROBE:
        wait = min(int(circuit["wait"]) * 2, _LONGEST_SECONDS)
    elif int(circuit["failures"]) >= _FAILURES and not is_open(circuit):
        wait = _FIRST_SECONDS
    else:
        return False
    until = int(time.time()) + wait
    changes = {"state": "open", "until": until, "wait": wait}
    _set(credential, changes | attention.mark(Attention.CIRCUIT, until))
    return True


def read(credential: str) -> Item:
    """Read a credential's circuit; empty while all is well."""
    return next(iter(table.get([_key(credential)])), {})


def is_open(circuit: Item) -> bool:
    """Say whether a circuit is open."""
    return circuit.get("state") == "open"


def due(now: float) -> list[str]:
    """Give the credentials whose circuit is to be probed, or is closing."""
    items = attention.query(Attention.CIRCUIT, now, limit=100)
    return [item["pk"].partition("#")[2] for item in items]


def count_open() -> int:
    """Count the circuits that are open, or closing, up to 100."""
    return len(attention.query(Attention.CIRCUIT, limit=100))


def over(credential: str) -> None:
    """Let go of a circuit that has closed, once nothing can be waiting for it any more."""
    changes = {"state": None, "wait": None, **attention.clear()}
    when, now = "#state = :closing AND #until < :now", int(time.time())
    with suppress(ConditionFailed):
        table.update(_key(credential), changes, when, closing="closing", now=now)


def forget() -> None:
    """Forget what is known, as a new function does."""
    _known.clear()


def _set(credential: str, changes: Item, add: str | None = None) -> Item:
    return table.update(_key(credential), {**changes, "expires": expiry()}, add=add)


def _key(credential: str) -> Item:
    return {"pk": f"credential#{credential}", "sk": "circuit"}
