"""Prepares the index of a project's triggers, which `openfn.project.trigger_index` reads, as JSON.

    index    {scope, inboxes: {inbox: atom}, exclusions: {position: [[atom, …], …]}}
    scope    {place, alone, slots, filed, bits, rests, hits}
    place    {strings, numbers, booleans: {value: atom}, null, object, array: atom,
              keys: {key: place}, elements: scope}, each only if a fragment wants it
    alone    in `elements`, {atom: the atom of the scope above that it means by itself}
    slots    by atom, its slot; atoms are numbers from 1, and those of a slot exclude each other
    filed    by atom, the number or numbers of the conjunctions of which it is the rarest, or 0
    bits     [[[atom, …], first, count, [[slot, without, {atom: left}], …]], …], where they are
             many and wanted slots are few: filed under these atoms, of the conjunctions from
             number `first` on, those that want nothing of the slot and those that the slot's atom
             leaves, as bits in hexadecimal
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

from openfn.project.triggers import MessageTrigger

_Value = tuple[str, Any]
_Member = tuple[int, list[int]]
# Where several of a message's atoms have a large group, one of them all is met faster: as long as
# its slots are few, and its bits, one of each conjunction for each atom, do not grow too many.
_LARGE = 32
_MOST_SLOTS = 64
_MOST_ATOMS = 512


@dataclass(slots=True)
class _Place:
    atoms: dict[_Value, int] = field(default_factory=dict)
    keys: dict[str, _Place] = field(default_factory=dict)
    elements: _Scope | None = None


@dataclass(slots=True)
class _Scope:
    place: _Place = field(default_factory=_Place)
    slots: list[int] = field(default_factory=lambda: [0])
    conjunctions: list[_Member] = field(default_factory=list)
    above: dict[frozenset[int], int] = field(default_factory=dict)
    """Of elements: the atom of the scope above for the atoms of each fragment."""


def prepare(triggers: Sequence[MessageTrigger]) -> dict[str, Any]:
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
        "bits": [],
        "rests": [[]],
        "hits": [0],
    }
    for rarest, members in _pooled(scope, _groups(scope)):
        first = len(written["hits"])
        written["hits"] += [hit for hit, _ in members]
        if len(_slots(scope, members)) < len(members):
            written["bits"].append([rarest, first, len(members), _bits(scope, members)])
            written["rests"] += [[] for _ in members]
        else:
            numbers = list(range(first, first + len(members)))
            written["filed"][rarest[0]] = numbers if len(numbers) > 1 else first
            written["rests"] += [[a for a in atoms if a != rarest[0]] for _, atoms in members]
    return written


def _groups(scope: _Scope) -> dict[int, list[_Member]]:
    held = Counter(atom for _, atoms in scope.conjunctions for atom in atoms)
    groups = defaultdict(list)
    for hit, atoms in scope.conjunctions:
        groups[min(atoms, key=lambda atom: (held[atom], atom))].append((hit, atoms))
    return groups


def _pooled(
    scope: _Scope, groups: dict[int, list[_Member]]
) -> list[tuple[list[int], list[_Member]]]:
    """Give the groups with their rarest atoms; the large ones as one, if they are much alike."""
    large = {atom: each for atom, each in groups.items() if len(each) >= _LARGE}
    pool = [member for each in large.values() for member in each]
    atoms = {atom for _, atoms in pool for atom in atoms}
    if not pool or len(_slots(scope, pool)) > _MOST_SLOTS or len(atoms) > _MOST_ATOMS:
        return [([atom], each) for atom, each in groups.items()]
    rest = [([atom], each) for atom, each in groups.items() if atom not in large]
    return [(list(large), pool), *rest]


def _slots(scope: _Scope, members: list[_Member]) -> set[int]:
    return {scope.slots[atom] for _, atoms in members for atom in atoms}


def _bits(scope: _Scope, members: list[_Member]) -> list[Any]:
    wanting: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for number, (_, wanted) in enumerate(members):
        for atom in wanted:
            wanting[scope.slots[atom]][atom] |= 1 << number
    slots = []
    for slot, atoms in wanting.items():
        # The atoms of a slot exclude each other: their bits are disjoint.
        without = (1 << len(members)) - 1 - sum(atoms.values())
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
