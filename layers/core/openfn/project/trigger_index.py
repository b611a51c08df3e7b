"""Which triggers a message matches, at a cost that hardly grows with their number.

Every fragment is a conjunction of *atoms*: a scalar, an object or an array at a place of the body;
or that an element of the array at a place meets a conjunction of that place's own, smaller scope.
An inbox is an atom too. A message's atoms are found by walking its body beside the tree of the
keys that fragments use. Each conjunction is filed under the rarest of its atoms and met if its
others hold as well, so that the body is never compared with a fragment.

`workbench.project.index_builder` builds it when the project is compiled, and says how it is
written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

_FEW = 16
_Held = set[int] | frozenset[int]


class _Place(NamedTuple):
    """What is wanted at a place, by what is there."""

    strings: Mapping[str, int]
    """The atom of each string."""
    keys: Mapping[str, _Place]
    """The places inside an object, if there is no atom for the object itself."""
    kinds: Mapping[type, Any]
    """By type: an object's atom or `None` and its keys; an array's and the scope of its elements;
    the atoms of all else by value, since in Python `True == 1`."""


class _Bits(NamedTuple):
    """Many conjunctions, as bits from the number `first` on; filed under one atom or more.

    For each slot: those that want nothing of it; and by atom, those that it leaves standing.
    """

    first: int
    every: int
    slots: Sequence[tuple[int, int, Mapping[int, int]]]


class _Scope(NamedTuple):
    """What is met at once, by a whole message or by one element of an array."""

    place: _Place
    alone: Mapping[int, int]
    """By atom, of elements: the atom of the scope above that it means by itself."""
    filed: Sequence[Any]
    """By atom: the number or numbers of the conjunctions filed there, `_Bits`, or 0."""
    rests: Sequence[Sequence[int]]
    """By conjunction: its other atoms."""
    hits: Sequence[int]
    """By conjunction: what it stands for, a trigger's position or an atom of the scope above."""
    slots: Sequence[int]
    """By atom: its slot, of whose atoms only one can hold."""


@dataclass(frozen=True, slots=True)
class Index:
    """The message filters of a project."""

    inboxes: Mapping[str, int]
    scope: _Scope
    exclusions: Mapping[int, Sequence[Sequence[int]]]

    def matching(self, inbox: str, body: Any) -> list[int]:
        """Give the positions of the triggers that a matchable body from an inbox matches."""
        atom = self.inboxes.get(inbox)
        held = {atom} if atom else set()
        if wanted := self.scope.place.kinds.get(type(body)):
            _look(wanted, body, held)
        met: set[int] = set()
        _meet(self.scope, held, met)
        if self.exclusions:
            for hit in self.exclusions.keys() & met:
                if any(map(held.issuperset, self.exclusions[hit])):
                    met.discard(hit)
        return sorted(met)


def load(raw: Mapping[str, Any]) -> Index:
    """Read an index as `workbench.project.index_builder.prepare` wrote it."""
    exclusions = {int(position): each for position, each in raw["exclusions"].items()}
    return Index(raw["inboxes"], _scope(raw["scope"]), exclusions)


def _scope(raw: Mapping[str, Any]) -> _Scope:
    filed = list(raw["filed"])
    for rarest, first, count, slots in raw["bits"]:
        read = [
            (slot, int(without, 16), {int(each): int(left, 16) for each, left in atoms.items()})
            for slot, without, atoms in slots
        ]
        bits = _Bits(first, (1 << count) - 1, read)
        for atom in rarest:
            filed[atom] = bits
    alone = {int(atom): above for atom, above in raw["alone"].items()}
    return _Scope(_place(raw["place"]), alone, filed, raw["rests"], raw["hits"], raw["slots"])


def _place(raw: Mapping[str, Any]) -> _Place:
    strings = raw.get("strings", {})
    keys = {key: _place(each) for key, each in raw.get("keys", {}).items()}
    kinds: dict[type, Any] = {str: strings}
    if "numbers" in raw:
        numbers = {Decimal(number): atom for number, atom in raw["numbers"].items()}
        kinds |= dict.fromkeys((int, Decimal, float), numbers)
    if "booleans" in raw:
        kinds[bool] = {name == "true": atom for name, atom in raw["booleans"].items()}
    if "null" in raw:
        kinds[type(None)] = {None: raw["null"]}
    if "object" in raw or keys:
        kinds[dict] = raw.get("object"), keys
    if "array" in raw or "elements" in raw:
        elements = raw.get("elements")
        kinds[list] = raw.get("array"), elements and _scope(elements)
    return _Place(strings, {} if "object" in raw else keys, kinds)


def _walk(keys: Mapping[str, _Place], body: Mapping[str, Any], held: set[int]) -> None:
    # Both may be large: the smaller of the two is stepped over. No set is made for a few keys.
    for key in keys if len(keys) < _FEW else keys.keys() & body.keys():
        if key in body:
            strings, inner, kinds = keys[key]
            value = body[key]
            kind = type(value)
            # `_look` would do: forms are strings and objects, and a call for each shows.
            if kind is str:
                if atom := strings.get(value):
                    held.add(atom)
            elif inner and kind is dict:
                _walk(inner, value, held)
            elif wanted := kinds.get(kind):
                _look(wanted, value, held)


def _look(wanted: Any, value: Any, held: set[int]) -> None:
    kind = type(value)
    if kind is dict or kind is list:
        atom, inner = wanted
        if atom:
            held.add(atom)
        if inner:
            (_walk if kind is dict else _look_at_elements)(inner, value, held)
    elif atom := wanted.get(value):
        held.add(atom)


def _look_at_elements(scope: _Scope, array: Sequence[Any], held: set[int]) -> None:
    strings, keys, kinds = scope.place
    found: set[int] = set()
    # Elements are often alike: what holds in several of them is looked up once.
    rows: set[frozenset[int]] = set()
    for element in array:
        kind = type(element)
        if kind is str:
            if atom := strings.get(element):
                found.add(atom)
        elif wanted := kinds.get(kind):
            row: set[int] = set()
            if keys and kind is dict:
                _walk(keys, element, row)
            else:
                _look(wanted, element, row)
            if len(row) > 1:
                rows.add(frozenset(row))
            found |= row
    alone = scope.alone
    for atom in found:
        if atom in alone:
            held.add(alone[atom])
    for each in rows:
        _meet(scope, each, held)


def _meet(scope: _Scope, held: _Held, met: set[int]) -> None:
    filed, rests, hits = scope.filed, scope.rests, scope.hits
    many = None
    for here in filter(None, map(filed.__getitem__, held)):
        kind = type(here)
        if kind is int:
            if held.issuperset(rests[here]):
                met.add(hits[here])
        elif kind is list:
            for each in here:
                if held.issuperset(rests[each]):
                    met.add(hits[each])
        elif here is not many:  # filed under several atoms, and met once
            many = here
            _meet_many(scope, many, held, met)


def _meet_many(scope: _Scope, many: _Bits, held: _Held, met: set[int]) -> None:
    now = {scope.slots[atom]: atom for atom in held}
    first, left, slots = many
    for slot, without, atoms in slots:
        left &= atoms.get(now.get(slot, 0), without)
        if not left:
            return
    while left:
        lowest = left & -left
        met.add(scope.hits[first + lowest.bit_length() - 1])
        left ^= lowest
