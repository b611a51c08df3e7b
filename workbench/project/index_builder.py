"""Build the trigger index of a project, which `openfn.project.trigger_index` reads as JSON.

An *atom* is one thing a fragment requires of a message, such as a value at a path. A *conjunction*
is the set of atoms that a fragment requires together.

    index    {scope, inboxes: {inbox: atom}, exclusions: {position: [[atom, …], …]}}
    scope    {place, alone, slots, filed, bits, rests, hits}
    place    {strings, numbers, booleans: {value: atom}, null, object, array: atom,
              keys: {key: place}, elements: scope}, each only if a fragment needs it
    alone    in `elements`: {atom: the atom of the outer scope that it implies by itself}
    slots    the slot of each atom; atoms are numbered from 1, and atoms of a slot exclude each
             other
    filed    for each atom, the numbers of the conjunctions whose rarest atom it is, or 0
    bits     [[[atom, …], first, count, [[slot, without, {atom: left}], …]], …] for large groups
             with few slots: the conjunctions from number `first` on are filed under these atoms;
             `without` has a bit for each that needs nothing of the slot, `left` for each that the
             slot's atom leaves possible, both in hexadecimal
    rests    for each conjunction, its other atoms; [] if they are in `bits`
    hits     for each conjunction, the position of its trigger or, in `elements`, an atom of the
             outer scope

Numbers are written as strings, because JSON readers treat numbers differently.
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
# Several large groups are evaluated faster as one bit set, as long as it has few slots and few
# bits (one for each pair of conjunction and atom).
_MIN_LARGE_GROUP = 32
_MAX_SLOTS = 64
_MAX_ATOMS = 512


@dataclass(slots=True)
class _Node:
    atoms: dict[_Value, int] = field(default_factory=dict)
    keys: dict[str, _Node] = field(default_factory=dict)
    elements: _Scope | None = None


@dataclass(slots=True)
class _Scope:
    root: _Node = field(default_factory=_Node)
    slots: list[int] = field(default_factory=lambda: [0])
    conjunctions: list[_Member] = field(default_factory=list)
    outer_atoms: dict[frozenset[int], int] = field(default_factory=dict)
    """For elements: the outer scope's atom for each fragment's atoms."""


def build_index(triggers: Sequence[MessageTrigger]) -> dict[str, Any]:
    """Return the index of these triggers as JSON values, always in the same order."""
    scope, inboxes = _Scope(), _Node()
    exclusions = {}
    for position, trigger in enumerate(triggers):
        inbox = trigger.inbox
        restriction = [] if inbox is None else [_atom(scope, inboxes, ("inbox", inbox))]
        for atoms in _all_alternatives(scope, trigger.inclusions):
            scope.conjunctions.append((position, restriction + atoms))
        if excluding := _all_alternatives(scope, trigger.exclusions):
            exclusions[str(position)] = excluding
    return {
        "scope": _scope_to_json(scope),
        "inboxes": {inbox: atom for (_, inbox), atom in inboxes.atoms.items()},
        "exclusions": exclusions,
    }


def _alternatives(scope: _Scope, fragment: Any) -> Iterator[list[int]]:
    yield _atoms(scope, scope.root, fragment)
    if not isinstance(fragment, dict | list):
        # At the top level only, an array contains a bare scalar.
        yield _atoms(scope, scope.root, [fragment])


def _all_alternatives(scope: _Scope, fragments: Sequence[Any]) -> list[list[int]]:
    return [atoms for fragment in fragments for atoms in _alternatives(scope, fragment)]


def _atoms(scope: _Scope, node: _Node, fragment: Any) -> list[int]:
    if isinstance(fragment, dict) and fragment:
        return [
            atom
            for key, part in fragment.items()
            for atom in _atoms(scope, node.keys.setdefault(key, _Node()), part)
        ]
    if isinstance(fragment, list) and fragment:
        elements = node.elements = node.elements or _Scope()
        return list(dict.fromkeys(_element(scope, elements, part) for part in fragment))
    return [_atom(scope, node, _typed_value(fragment))]


def _element(scope: _Scope, elements: _Scope, fragment: Any) -> int:
    atoms = _atoms(elements, elements.root, fragment)
    fragment_atoms = frozenset(atoms)
    if fragment_atoms not in elements.outer_atoms:
        elements.outer_atoms[fragment_atoms] = _add_atom(scope)
        if len(atoms) > 1:
            elements.conjunctions.append((elements.outer_atoms[fragment_atoms], atoms))
    return elements.outer_atoms[fragment_atoms]


def _atom(scope: _Scope, node: _Node, value: _Value) -> int:
    if value not in node.atoms:
        # A node's slot is the number of its first atom.
        node.atoms[value] = _add_atom(scope, next(iter(node.atoms.values()), None))
    return node.atoms[value]


def _add_atom(scope: _Scope, slot: int | None = None) -> int:
    atom = len(scope.slots)
    scope.slots.append(slot or atom)
    return atom


def _typed_value(fragment: Any) -> _Value:
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


def _scope_to_json(scope: _Scope) -> dict[str, Any]:
    # Number 0 means no conjunction.
    result: dict[str, Any] = {
        "place": _node_to_json(scope.root),
        "alone": {
            str(*atoms): atom for atoms, atom in scope.outer_atoms.items() if len(atoms) == 1
        },
        "slots": scope.slots,
        "filed": [0] * len(scope.slots),
        "bits": [],
        "rests": [[]],
        "hits": [0],
    }
    for rarest, members in _merge_large(scope, _groups(scope)):
        first = len(result["hits"])
        result["hits"] += [hit for hit, _ in members]
        if len(_slots(scope, members)) < len(members):
            result["bits"].append([rarest, first, len(members), _bits(scope, members)])
            result["rests"] += [[] for _ in members]
        else:
            numbers = list(range(first, first + len(members)))
            result["filed"][rarest[0]] = numbers if len(numbers) > 1 else first
            result["rests"] += [[a for a in atoms if a != rarest[0]] for _, atoms in members]
    return result


def _groups(scope: _Scope) -> dict[int, list[_Member]]:
    counts = Counter(atom for _, atoms in scope.conjunctions for atom in atoms)
    groups = defaultdict(list)
    for hit, atoms in scope.conjunctions:
        groups[min(atoms, key=lambda atom: (counts[atom], atom))].append((hit, atoms))
    return groups


def _merge_large(
    scope: _Scope, groups: dict[int, list[_Member]]
) -> list[tuple[list[int], list[_Member]]]:
    """Return each group with its rarest atom. Similar large groups are merged."""
    large = {atom: group for atom, group in groups.items() if len(group) >= _MIN_LARGE_GROUP}
    pool = [member for group in large.values() for member in group]
    atoms = {atom for _, atoms in pool for atom in atoms}
    if not pool or len(_slots(scope, pool)) > _MAX_SLOTS or len(atoms) > _MAX_ATOMS:
        return [([atom], group) for atom, group in groups.items()]
    rest = [([atom], group) for atom, group in groups.items() if atom not in large]
    return [(list(large), pool), *rest]


def _slots(scope: _Scope, members: list[_Member]) -> set[int]:
    return {scope.slots[atom] for _, atoms in members for atom in atoms}


def _bits(scope: _Scope, members: list[_Member]) -> list[Any]:
    needing: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for number, (_, required) in enumerate(members):
        for atom in required:
            needing[scope.slots[atom]][atom] |= 1 << number
    slots = []
    for slot, atoms in needing.items():
        # The atoms of a slot exclude each other: their bits are disjoint.
        without = (1 << len(members)) - 1 - sum(atoms.values())
        left = {str(atom): f"{without | bits:x}" for atom, bits in atoms.items()}
        slots.append((without.bit_count(), [slot, f"{without:x}", left]))
    # The slot that most of them need comes first: without it, few stay possible.
    return [slot for _, slot in sorted(slots)]


def _node_to_json(node: _Node) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for (kind, value), atom in node.atoms.items():
        if value is None:
            result[kind] = atom
        else:
            result.setdefault(kind, {})[str(value)] = atom
    if node.keys:
        result["keys"] = {key: _node_to_json(child) for key, child in node.keys.items()}
    if node.elements:
        result["elements"] = _scope_to_json(node.elements)
    return result
