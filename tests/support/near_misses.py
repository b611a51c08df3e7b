"""Generate random bodies, and fragments that they contain or almost contain.

The keys and values are few, so that they meet often, and include values that look alike.
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


def random_body(random: Random, depth: int = 3):
    """Return a random JSON value, nested at most `depth` levels."""
    draw = random.random() if depth else 1
    if draw < 0.45:
        keys = random.sample(KEYS, random.randint(0, 4))
        return {key: random_body(random, depth - 1) for key in keys}
    if draw < 0.75:
        return [random_body(random, depth - 1) for _ in range(random.randint(0, 3))]
    return random.choice(SCALARS)


def contained_fragment(random: Random, value):
    """Return a fragment that the value contains: with less, reordered, or with duplicates."""
    if isinstance(value, dict):
        keys = [key for key in value if random.random() < 0.6]
        random.shuffle(keys)
        return {key: contained_fragment(random, value[key]) for key in keys}
    if isinstance(value, list):
        elements = [
            contained_fragment(random, element)
            for element in value
            for _ in range(random.choice((0, 1, 1, 2)))
        ]
        random.shuffle(elements)
        return elements
    return respell_number(random, value)


def respell_number(random: Random, value):
    """Return an equal number in a random spelling, and any other value as it is."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return random.choice([value, *(number for number in NUMBERS if number == value)])
    return value


def mutate(random: Random, value):
    """Return the value with one random change somewhere inside it."""
    descend = isinstance(value, dict | list) and value and random.random() < 0.8
    if descend and isinstance(value, dict):
        key = random.choice(list(value))
        rest = {other: value[other] for other in value if other != key}
        changes = [{key: mutate(random, value[key])}] * 5 + [{random.choice(KEYS): value[key]}, {}]
        return rest | random.choice(changes)
    if descend:
        index = random.randrange(len(value))
        others = value[:index] + value[index + 1 :]
        objects = [element for element in value if isinstance(element, dict)]
        merged = {key: member for element in objects for key, member in element.items()}
        return random.choice([[*others, mutate(random, value[index])]] * 5 + [others, [merged]])
    return random.choice(
        [random.choice(SCALARS), lookalike(value), [value], {random.choice(KEYS): value}, {}, []]
    )


def lookalike(value):
    """Return a different value that a careless comparison would take for this one."""
    if isinstance(value, bool) or value is None:
        return {True: 1, False: 0, None: False}[value]
    if isinstance(value, str):
        return {"1": 1, "true": True, "null": None}.get(value, value.swapcase())
    if isinstance(value, dict | list):
        return list(value.values()) if isinstance(value, dict) else dict.fromkeys(KEYS[:1], value)
    return {0: False, 1: True}.get(value, str(value))


def body_and_fragment(random: Random):
    """Return a random body, and a fragment that it contains or almost contains."""
    body = random_body(random)
    fragment = contained_fragment(random, body)
    if random.random() < 0.3 and isinstance(body, list) and body:
        fragment = contained_fragment(random, random.choice(body))
    for _ in range(random.choice((0, 1, 1, 2))):
        if random.random() < 0.7:
            fragment = mutate(random, fragment)
        else:
            body = mutate(random, body)
    return body, fragment


def json_text(value) -> str:
    """Return the JSON text of a value, with all digits of its numbers."""
    if isinstance(value, dict):
        members = (f"{json_text(key)}:{json_text(member)}" for key, member in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(json_text, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
