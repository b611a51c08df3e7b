"""Random walks: a long series of random steps with faults, reproducible from a seed.

A step is its kind, a number that varies it, and perhaps a fault: the number of the call that fails,
and how it fails.

Records of an ordered inbox are newer with each post; those of the others repeat. An outage begins
and ends with a step of its own.
"""

from __future__ import annotations

import random
from contextlib import suppress

from tests.faults import scenario
from tests.faults.network import Fault

_WEIGHTS = {"post": 8, "match": 30, "run": 45, "again": 6, "tick": 5, "wait": 6, "outage": 2}
_SHARE_OF_FAULTS = 0.7
_CUTS = 40
_INBOXES = ("plain", "once", "secret", "private", "visits", "clinic")


def random_steps(seed, count):
    """Return the steps of a walk."""
    generator = random.Random(seed)
    steps = []
    for kind in generator.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count):
        fault = (
            ((generator.randrange(7), generator.choice(list(Fault))),)
            if generator.random() < _SHARE_OF_FAULTS
            else ()
        )
        steps.append((kind, generator.randrange(1000), fault))
    return steps


def walk(simulation, steps):
    """Take all steps, check the promises, and return the number of faults that occurred."""
    simulation.begin()
    simulation.first_tick()
    faults = 0
    for kind, number, fault in steps:
        simulation.network.expect(*fault)
        _step(simulation, kind, number)
        faults += simulation.network.happened
    simulation.network.expect()
    simulation.recover()
    simulation.read_statuses()
    simulation.run_until_idle(simulation.redrive)
    simulation.check()
    return faults


def fails(simulation, steps):
    """Return whether a walk breaks a promise."""
    try:
        walk(simulation, steps)
    except Exception:
        return True
    return False


def shortest(steps, fails):
    """Return fewer steps that still fail: a prefix without the steps it does not need."""
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(steps[:middle]) else (middle + 1, high)
    steps = steps[:high]
    size, cuts = len(steps) // 2, 0
    while size and cuts < _CUTS:
        for start in range(0, len(steps), size):
            rest = steps[:start] + steps[start + size :]
            cuts += 1
            if fails(rest):
                steps = rest
                break
        else:
            size //= 2
    return steps


def _step(simulation, kind, number):
    match kind:
        case "post":
            inbox = _INBOXES[number % len(_INBOXES)]
            simulation.send(inbox, _record(inbox, number, len(simulation.accepted)))
        case "match" | "run":
            function = {"match": "matcher", "run": "runner"}[kind]
            simulation.poll(function, is_reversed=number % 2, poller_dies=number % 17 == 0)
        case "again" if simulation.history:
            # A late delivery of an old event, whose response nobody receives.
            function, event = simulation.history[number % len(simulation.history)]
            if function != "inbox":
                with suppress(Exception):
                    simulation.invoke(function, event)
        case "tick":
            simulation.tick()
        case "wait":
            simulation.advance(number)
        case "outage" if simulation.destination.down_for:
            simulation.recover()
        case "outage":
            simulation.fail()


def _record(inbox, number, position):
    if inbox in scenario.ORDERED:
        record = {"id": f"{number % 3}-{position}", "case": number % 3}
    else:
        record = {"id": f"r{number % 100}"}
    if inbox in scenario.ERASED:
        return record | {"secret": f"secret of {record['id']}"}
    bad = ("notify", "register", None)[number % 3]
    return record | ({"bad": bad} if inbox == "plain" and bad else {})
