"""Bodies, and fragments that are in them or just not: made of one another, one thing changed.

Keys and values are few, so that they meet; they include what is easily taken for something else.
"""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random

KEYS = ("a", "b", "group1/name", "@xmlns", "a.b", "")
NUMBERS = tuple(
    map(Decimal, ("0", "-0.0", "1", "1.0", "1E+0", "0.1", "0.10", "12345678901234567890"))
)
SCALARS = (
    None,
    True,
    False,
    "",
    "1",
    "true",
    "null",
    "a",
    "A",
    "a ",
    "é",
    0,
    1,
    2,
    10**20,
    *NUMBERS,
)


def body(random: Random, depth: int = 3):
    """Give some JSON."""
    kind = random.random() if depth else 1
    if kind < 0.45:
        keys = random.sample(KEYS, random.randint(0, 4))
        return {key: body(random, depth - 1) for key in keys}
    if kind < 0.75:
        return [body(random, depth - 1) for _ in range(random.randint(0, 3))]
    return random.choice(SCALARS)


def part(random: Random, value):
    """Give a fragment that the value contains: less of it, in another order, said twice."""
    if isinstance(value, dict):
        kept = [key for key in value if random.random() < 0.6]
        random.shuffle(kept)
        return {key: part(random, value[key]) for key in kept}
    if isinstance(value, list):
        kept = [part(random, each) for each in value for _ in range(random.choice((0, 1, 1, 2)))]
        random.shuffle(kept)
        return kept
    return spelt(random, value)


def spelt(random: Random, value):
    """Give the same number in another spelling."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return random.choice([value, *(each for each in NUMBERS if each == value)])
    return value


def changed(random: Random, value):
    """Give the value with one thing changed, somewhere in it."""
    inside = isinstance(value, dict | list) and value and random.random() < 0.8
    if inside and isinstance(value, dict):
        key = random.choice(list(value))
        rest = {each: part for each, part in value.items() if each != key}
        changes = [{key: changed(random, value[key])}] * 5 + [{random.choice(KEYS): value[key]}, {}]
        return rest | random.choice(changes)
    if inside:
        at = random.randrange(len(value))
        others = value[:at] + value[at + 1 :]
        merged = {key: each for one in value if isinstance(one, dict) for key, each in one.items()}
        return random.choice([[*others, changed(random, value[at])]] * 5 + [others, [merged]])
    return random.choice(
        [random.choice(SCALARS), confused(value), [value], {random.choice(KEYS): value}, {}, []]
    )


def confused(value):
    """Give what the value must not be taken for."""
    if isinstance(value, bool) or value is None:
        return {True: 1, False: 0, None: False}[value]
    if isinstance(value, str):
        return {"1": 1, "true": True, "null": None}.get(value, value.swapcase())
    if isinstance(value, dict | list):
        return list(value.values()) if isinstance(value, dict) else dict.fromkeys(KEYS[:1], value)
    return {0: False, 1: True}.get(value, str(value))


def pair(random: Random):
    """Give a body and a fragment that is in it, or nearly so."""
    whole = body(random)
    fragment = part(random, whole)
    if random.random() < 0.3 and isinstance(whole, list) and whole:
        fragment = part(random, random.choice(whole))
    for _ in range(random.choice((0, 1, 1, 2))):
        if random.random() < 0.7:
            fragment = changed(random, fragment)
        else:
            whole = changed(random, whole)
    return whole, fragment


def written(value) -> str:
    """Give the JSON text of a value, with all the digits of its numbers."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{written(key)}:{written(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
