"""Prepares the index of a project's triggers, which `openfn.index` reads, as JSON.

    index    {scope, inboxes: {inbox: atom}, exclusions: {position: [[atom, …], …]}}
    scope    {place, alone, slots, filed, bits, rests, hits}
    place    {strings, numbers, booleans: {value: atom}, null, object, array: atom,
              keys: {key: place}, elements: scope}, each only if a fragment wants it
    alone    in `elements`, {atom: the atom of the scope above that it means by itself}
    slots    by atom, its slot; atoms are numbers from 1, and those of a slot exclude each other
    filed    by atom, the number or numbers of the conjunctions of which it is the rarest, or 0
    bits     {atom: [first, count, [[slot, without, {atom: left}], …]]}, where these are many: of
             the conjunctions from number `first` on, those that want nothing of the slot and
             those that the slot's atom leaves, as bits in hexadecimal
    rests    by conjunction, its other atoms; [] where they are in `bits`
    hits     by conjunction, the position of its trigger or, in `elements`, an atom of the scope
             above

Numbers are written as strings: JSON readers differ in what they make of numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from openfn.triggers import Trigger

_Value = tuple[str, Any]


@dataclass(slots=True)
class _Place:
    atoms: dict[_Value, int] = field(default_factory=dict)
    keys: dict[str, _Place] = field(default_factory=dict)
    elements: _Scope | None = None


@dataclass(slots=True)
class _Scope:
    place: _Place = field(default_factory=_Place)
    slots: list[int] = field(default_factory=lambda: [0])
    conjunctions: list[tuple[int, list[int]]] = field(default_factory=list)
    above: dict[frozenset[int], int] = field(default_factory=dict)
    """Of elements: the atom of the scope above for the atoms of each fragment."""


def prepare(triggers: Sequence[Trigger]) -> dict[str, Any]:
    """Give the index of these triggers, ready to be written as JSON; the same for the same ones."""
    scope, inboxes = _Scope(), _Place()
    exclusions = {}
    for position, trigger in enumerate(triggers):
        inbox = trigger.inbox
        restriction = [] if inbox is None else [_atom(scope, inboxes, ("inbox", inbox))]
        for atoms in _ways(scope, trigger.inclusion):
            scope.conjunctions.append((position, restriction + atoms))
        if excluding := [atoms for each in trigger.exclusions for atoms in _ways(scope, each)]:
            exclusions[str(position)] = excluding
    return {
        "scope": _written(scope),
        "inboxes": {inbox: atom for (_, inbox), atom in inboxes.atoms.items()},
        "exclusions": exclusions,
    }


def _ways(scope: _Scope, fragment: Any) -> Iterator[list[int]]:
    yield _atoms(scope, scope.place, fragment)
    if not isinstance(fragment, dict | list):
        # At the top level only, an array contains a bare scalar.
        yield _atoms(scope, scope.place, [fragment])


def _atoms(scope: _Scope, place: _Place, fragment: Any) -> list[int]:
    if isinstance(fragment, dict) and fragment:
        return [
            atom
            for key, part in fragment.items()
            for atom in _atoms(scope, place.keys.setdefault(key, _Place()), part)
        ]
    if isinstance(fragment, list) and fragment:
        elements = place.elements = place.elements or _Scope()
        return list(dict.fromkeys(_element(scope, elements, part) for part in fragment))
    return [_atom(scope, place, _value(fragment))]


def _element(scope: _Scope, elements: _Scope, fragment: Any) -> int:
    atoms = _atoms(elements, elements.place, fragment)
    fragment_atoms = frozenset(atoms)
    if fragment_atoms not in elements.above:
        elements.above[fragment_atoms] = _new(scope)
        if len(atoms) > 1:
            elements.conjunctions.append((elements.above[fragment_atoms], atoms))
    return elements.above[fragment_atoms]


def _atom(scope: _Scope, place: _Place, value: _Value) -> int:
    if value not in place.atoms:
        # A place's slot is the number of its first atom.
        place.atoms[value] = _new(scope, next(iter(place.atoms.values()), None))
    return place.atoms[value]


def _new(scope: _Scope, slot: int | None = None) -> int:
    atom = len(scope.slots)
    scope.slots.append(slot or atom)
    return atom


def _value(fragment: Any) -> _Value:
    match fragment:
        case None:
            return "null", None
        case bool():
            return "booleans", "true" if fragment else "false"
        case str():
            return "strings", fragment
        case dict():
            return "object", None
        case list():
            return "array", None
        case _:
            return "numbers", Decimal(fragment)


def _written(scope: _Scope) -> dict[str, Any]:
    # Number 0 stands for no conjunction.
    written: dict[str, Any] = {
        "place": _written_place(scope.place),
        "alone": {str(*atoms): atom for atoms, atom in scope.above.items() if len(atoms) == 1},
        "slots": scope.slots,
        "filed": [0] * len(scope.slots),
        "bits": {},
        "rests": [[]],
        "hits": [0],
    }
    for atom, members in _groups(scope).items():
        first = len(written["hits"])
        written["hits"] += [hit for hit, _ in members]
        rests = [rest for _, rest in members]
        wanted = {scope.slots[each] for rest in rests for each in rest}
        if len(wanted) + 1 < len(members):
            written["bits"][str(atom)] = [first, len(members), _bits(scope, rests)]
            rests = [[] for _ in members]
        else:
            numbers = list(range(first, first + len(members)))
            written["filed"][atom] = numbers if len(numbers) > 1 else first
        written["rests"] += rests
    return written


def _groups(scope: _Scope) -> dict[int, list[tuple[int, list[int]]]]:
    held = Counter(atom for _, atoms in scope.conjunctions for atom in atoms)
    groups = defaultdict(list)
    for hit, atoms in scope.conjunctions:
        rarest = min(atoms, key=lambda atom: (held[atom], atom))
        groups[rarest].append((hit, [atom for atom in atoms if atom != rarest]))
    return groups


def _bits(scope: _Scope, rests: list[list[int]]) -> list[Any]:
    wanting: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for number, rest in enumerate(rests):
        for atom in rest:
            wanting[scope.slots[atom]][atom] |= 1 << number
    slots = []
    for slot, atoms in wanting.items():
        # The atoms of a slot exclude each other: their bits are disjoint.
        without = (1 << len(rests)) - 1 - sum(atoms.values())
        left = {str(atom): f"{without | bits:x}" for atom, bits in atoms.items()}
        slots.append((without.bit_count(), [slot, f"{without:x}", left]))
    # The slot that most of them want comes first: where it is not met, few are left.
    return [slot for _, slot in sorted(slots)]


def _written_place(place: _Place) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for (kind, value), atom in place.atoms.items():
        if value is None:
            written[kind] = atom
        else:
            written.setdefault(kind, {})[str(value)] = atom
    if place.keys:
        written["keys"] = {key: _written_place(each) for key, each in place.keys.items()}
    if place.elements:
        written["elements"] = _written(place.elements)
    return written
