"""One circuit breaker for each credential: stop sending to a destination that keeps failing.

After five retryable failures in a row the circuit opens: runs are parked, which costs no attempt.
After a minute the circuit is half open and lets one run through. If that run succeeds, the circuit
closes and the parked runs are released; if it fails, the circuit stays open for twice as long.
Before the first failure of a credential there is no item.
"""

from __future__ import annotations

import time
from contextlib import suppress
from enum import StrEnum

from openfn.errors import ConditionFailed
from openfn.messages.store import expires_at
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.storage.dynamodb_values import Item

_FAILURES = 5
_FIRST_SECONDS, _LONGEST_SECONDS = 60, 900
# A circuit that is not open is read again after this time only.
_CACHE_SECONDS = 15.0
# Runs that are parked while the circuit closes are still released for this long.
_CLOSING_SECONDS = 120
_OPEN, _CLOSING = "open", "closing"
_cache: dict[str, tuple[float, Item]] = {}


class CircuitState(StrEnum):
    """Whether a run may be sent: yes, as the one probe, or not now."""

    CLOSED = "closed"
    HALF_OPEN = "half open"
    OPEN = "open"


def acquire(credential: str) -> CircuitState:
    """Return the circuit's state; `HALF_OPEN` is given to one caller at a time."""
    read_at, circuit = _cache.get(credential, (float("-inf"), {}))
    if time.monotonic() - read_at > _CACHE_SECONDS:
        circuit = _load(credential)
        if circuit.get("state") != _OPEN:
            _cache[credential] = (time.monotonic(), circuit)
    if circuit.get("state") != _OPEN:
        return CircuitState.CLOSED
    now, wait = int(time.time()), int(circuit["wait"])
    if int(circuit["until"]) > now:
        return CircuitState.OPEN
    is_unchanged = "#state = :open AND #until = :seen"
    changes = {"until": now + wait, **attention.mark(Attention.CIRCUIT, now + wait)}
    try:
        table.update(_key(credential), changes, is_unchanged, open=_OPEN, seen=circuit["until"])
    except ConditionFailed:
        return CircuitState.OPEN  # another runner sends the probe
    return CircuitState.HALF_OPEN


def record_success(credential: str, state: CircuitState) -> None:
    """Reset the failures of a credential; close its circuit if the run was the probe."""
    if state is CircuitState.HALF_OPEN:
        _close(credential)
    elif _cache.get(credential, (0.0, {}))[1].get("failures"):
        _update(credential, {"failures": 0})
    else:
        return
    _cache[credential] = (time.monotonic(), {})


def close_unused(credential: str) -> None:
    """Close an open circuit without a probe: no job uses its credential any more."""
    if is_open(credential):
        _close(credential)


def record_failure(credential: str, state: CircuitState) -> bool:
    """Count a retryable failure; return whether the circuit opens or stays open."""
    _cache.pop(credential, None)
    circuit = _update(credential, {}, increment="failures")
    if state is CircuitState.HALF_OPEN:
        wait = min(int(circuit["wait"]) * 2, _LONGEST_SECONDS)
    elif int(circuit["failures"]) >= _FAILURES and circuit.get("state") != _OPEN:
        wait = _FIRST_SECONDS
    else:
        return False
    until = int(time.time()) + wait
    changes = {"state": _OPEN, "until": until, "wait": wait}
    _update(credential, changes | attention.mark(Attention.CIRCUIT, until))
    return True


def is_open(credential: str) -> bool:
    """Return whether a credential's circuit is open."""
    return _load(credential).get("state") == _OPEN


def open_until(credential: str) -> int:
    """Return when a circuit next lets a run through (epoch seconds); 0 without an item."""
    return int(_load(credential).get("until", 0))


def due(now: float) -> list[str]:
    """Return the credentials whose parked runs may be released at an epoch time.

    The one that has waited the longest comes first.
    """
    items = attention.query(Attention.CIRCUIT, now, limit=100)
    return [item["pk"].partition("#")[2] for item in items]


def move_back(credential: str, now: float) -> None:
    """Let a closed circuit whose runs are not all released come behind the others in `due`."""
    changes = attention.mark(Attention.CIRCUIT, now)
    with suppress(ConditionFailed):  # it is open, and has its own time
        table.update(_key(credential), changes, "#state = :closing", closing=_CLOSING)


def count_open() -> int:
    """Count the circuits that are open or closing, up to 100."""
    return len(attention.query(Attention.CIRCUIT, limit=100))


def delete_closed(credential: str) -> None:
    """Delete the state of a closed circuit after its grace period."""
    changes = {"state": None, "wait": None, **attention.clear()}
    is_over, now = "#state = :closing AND #until < :now", int(time.time())
    with suppress(ConditionFailed):
        table.update(_key(credential), changes, is_over, closing=_CLOSING, now=now)


def clear_cache() -> None:
    """Forget all cached circuits, as a new function instance does."""
    _cache.clear()


def _close(credential: str) -> None:
    until = int(time.time()) + _CLOSING_SECONDS
    changes = {"state": _CLOSING, "until": until, "failures": 0}
    _update(credential, changes | attention.mark(Attention.CIRCUIT, time.time()))


def _load(credential: str) -> Item:
    return next(iter(table.get([_key(credential)])), {})


def _update(credential: str, changes: Item, increment: str | None = None) -> Item:
    return table.update(_key(credential), {**changes, "expires": expires_at()}, increment=increment)


def _key(credential: str) -> Item:
    return {"pk": f"credential#{credential}", "sk": "circuit"}
