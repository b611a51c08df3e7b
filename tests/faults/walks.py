"""Long random walks through what can happen to a stack, drawn from a seed and cut short.

A step is what happens, a number that says more of it, and the fault that may strike meanwhile: the
number of the call that goes wrong in it, and the way.
"""

from __future__ import annotations

import random
from contextlib import suppress

from tests.faults.network import Way

_WEIGHTS = {"post": 8, "match": 30, "run": 45, "again": 6, "tick": 5, "wait": 6}
_FAULTY = 0.7
_CUTS = 40


def steps_of(seed, count):
    """Draw the steps of a walk."""
    dice = random.Random(seed)
    steps = []
    for kind in dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count):
        fault = (dice.randrange(7), dice.choice(list(Way))) if dice.random() < _FAULTY else ()
        steps.append((kind, dice.randrange(1000), fault))
    return steps


def walk(world, steps):
    """Take the steps, come to rest, check what was promised; give the number of faults."""
    world.begin()
    world.start_clock()
    struck = 0
    for kind, number, fault in steps:
        world.network.expect(*fault)
        _step(world, kind, number)
        struck += world.network.happened
    world.network.expect()
    world.watch()
    world.rest(world.redrive)
    world.check()
    return struck


def fails(world, steps):
    """Say whether a walk does not end as promised."""
    try:
        walk(world, steps)
    except Exception:
        return True
    return False


def shortest(steps, fails):
    """Give fewer steps that still fail: a prefix, without what it can spare."""
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


def _step(world, kind, number):
    match kind:
        case "post":
            # Now and then a record that came before.
            record = {"id": f"r{number % 100}", "bad": ("notify", "register", None)[number % 3]}
            world.send("plain" if number % 100 % 4 else "once", record)
        case "match" | "run":
            function = {"match": "matcher", "run": "runner"}[kind]
            world.poll(function, turned=number % 2, kept=number % 17 == 0)
        case "again" if world.history:
            # An event that was delivered long ago; what comes of it is told to nobody.
            function, event = world.history[number % len(world.history)]
            if function != "inbox":
                with suppress(Exception):
                    world.invoke(function, event)
        case "tick":
            world.tick()
        case "wait":
            world.passes(number)
