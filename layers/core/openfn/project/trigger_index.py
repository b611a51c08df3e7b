"""The index of message triggers: finds matches in almost constant time.

Every fragment is a conjunction of *atoms*. An atom is a scalar, an object or an array at a path of
the body, or the fact that an element of an array satisfies a conjunction of the array's own, nested
scope. The inbox is an atom, too. The atoms of a message are collected by walking its body alongside
the tree of the keys that fragments use. Each conjunction is filed under its rarest atom and matches
if its other atoms are present as well. So the body is never compared with a fragment.

`workbench.project.index_builder` builds the index when the project is compiled, and describes its
JSON format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

_SMALL = 16
_Atoms = set[int] | frozenset[int]


class _Node(NamedTuple):
    """What fragments require at one path of the body."""

    strings: Mapping[str, int]
    """The atom of each string."""
    keys: Mapping[str, _Node]
    """The nodes inside an object, if the object itself has no atom."""
    types: Mapping[type, Any]
    """By type: an object's atom (or `None`) and its keys; an array's atom and the scope of its
    elements; for all else the atoms by value, since in Python `True == 1`."""


class _Bitset(NamedTuple):
    """Many conjunctions as bits, from the number `first` on; filed under one or more atoms.

    For each slot: the conjunctions that require nothing of it; and by atom, those that it allows.
    """

    first: int
    all_bits: int
    slots: Sequence[tuple[int, int, Mapping[int, int]]]


class _Scope(NamedTuple):
    """The conjunctions that one value must satisfy: a whole message, or an element of an array."""

    root: _Node
    single_atoms: Mapping[int, int]
    """By atom, of elements: the atom of the outer scope that it implies by itself."""
    filed: Sequence[Any]
    """By atom: the number or numbers of the conjunctions filed there, a `_Bitset`, or 0."""
    other_atoms: Sequence[Sequence[int]]
    """By conjunction: its atoms but the rarest."""
    results: Sequence[int]
    """By conjunction: a trigger's position, or an atom of the outer scope."""
    slots: Sequence[int]
    """By atom: its slot; only one atom of a slot can be present."""


@dataclass(frozen=True, slots=True)
class Index:
    """The index of a project's message triggers."""

    inboxes: Mapping[str, int]
    scope: _Scope
    exclusions: Mapping[int, Sequence[Sequence[int]]]

    def matching(self, inbox: str, body: Any) -> list[int]:
        """Return the positions of the triggers that match a body from an inbox."""
        inbox_atom = self.inboxes.get(inbox)
        atoms = {inbox_atom} if inbox_atom else set()
        if required := self.scope.root.types.get(type(body)):
            _collect(required, body, atoms)
        matches: set[int] = set()
        _match(self.scope, atoms, matches)
        if self.exclusions:
            for position in self.exclusions.keys() & matches:
                if any(map(atoms.issuperset, self.exclusions[position])):
                    matches.discard(position)
        return sorted(matches)


def load(raw: Mapping[str, Any]) -> Index:
    """Return the index that `workbench.project.index_builder` wrote."""
    exclusions = {int(position): atoms for position, atoms in raw["exclusions"].items()}
    return Index(raw["inboxes"], _scope(raw["scope"]), exclusions)


def _scope(raw: Mapping[str, Any]) -> _Scope:
    filed = list(raw["filed"])
    for rarest_atoms, first, count, raw_slots in raw["bits"]:
        slots = [
            (slot, int(default, 16), {int(atom): int(bits, 16) for atom, bits in by_atom.items()})
            for slot, default, by_atom in raw_slots
        ]
        bitset = _Bitset(first, (1 << count) - 1, slots)
        for atom in rarest_atoms:
            filed[atom] = bitset
    single_atoms = {int(atom): outer for atom, outer in raw["alone"].items()}
    root = _node(raw["place"])
    return _Scope(root, single_atoms, filed, raw["rests"], raw["hits"], raw["slots"])


def _node(raw: Mapping[str, Any]) -> _Node:
    strings = raw.get("strings", {})
    keys = {key: _node(node) for key, node in raw.get("keys", {}).items()}
    types: dict[type, Any] = {str: strings}
    if "numbers" in raw:
        numbers = {Decimal(number): atom for number, atom in raw["numbers"].items()}
        types |= dict.fromkeys((int, Decimal, float), numbers)
    if "booleans" in raw:
        types[bool] = {name == "true": atom for name, atom in raw["booleans"].items()}
    if "null" in raw:
        types[type(None)] = {None: raw["null"]}
    if "object" in raw or keys:
        types[dict] = raw.get("object"), keys
    if "array" in raw or "elements" in raw:
        elements = raw.get("elements")
        types[list] = raw.get("array"), elements and _scope(elements)
    return _Node(strings, {} if "object" in raw else keys, types)


def _collect_object(keys: Mapping[str, _Node], body: Mapping[str, Any], atoms: set[int]) -> None:
    # Both may be large: iterate over the smaller of the two. A few keys need no set.
    for key in keys if len(keys) < _SMALL else keys.keys() & body.keys():
        if key in body:
            strings, children, types = keys[key]
            value = body[key]
            kind = type(value)
            # `_collect` would do, but forms are strings and objects, and its calls take time.
            if kind is str:
                if atom := strings.get(value):
                    atoms.add(atom)
            elif children and kind is dict:
                _collect_object(children, value, atoms)
            elif required := types.get(kind):
                _collect(required, value, atoms)


def _collect(required: Any, value: Any, atoms: set[int]) -> None:
    kind = type(value)
    if kind is dict or kind is list:
        atom, children = required
        if atom:
            atoms.add(atom)
        if children:
            (_collect_object if kind is dict else _collect_array)(children, value, atoms)
    elif atom := required.get(value):
        atoms.add(atom)


def _collect_array(scope: _Scope, array: Sequence[Any], atoms: set[int]) -> None:
    strings, keys, types = scope.root
    all_atoms: set[int] = set()
    # Elements are often alike: atoms that several of them have in common are matched once.
    rows: set[frozenset[int]] = set()
    for element in array:
        kind = type(element)
        if kind is str:
            if atom := strings.get(element):
                all_atoms.add(atom)
        elif required := types.get(kind):
            row: set[int] = set()
            if keys and kind is dict:
                _collect_object(keys, element, row)
            else:
                _collect(required, element, row)
            if len(row) > 1:
                rows.add(frozenset(row))
            all_atoms |= row
    single_atoms = scope.single_atoms
    for atom in all_atoms:
        if atom in single_atoms:
            atoms.add(single_atoms[atom])
    for row_atoms in rows:
        _match(scope, row_atoms, atoms)


def _match(scope: _Scope, atoms: _Atoms, matches: set[int]) -> None:
    filed, other_atoms, results = scope.filed, scope.other_atoms, scope.results
    bitset = None
    for entry in filter(None, map(filed.__getitem__, atoms)):
        kind = type(entry)
        if kind is int:
            if atoms.issuperset(other_atoms[entry]):
                matches.add(results[entry])
        elif kind is list:
            for conjunction in entry:
                if atoms.issuperset(other_atoms[conjunction]):
                    matches.add(results[conjunction])
        elif entry is not bitset:  # filed under several atoms, but matched once
            bitset = entry
            _match_bitset(scope, bitset, atoms, matches)


def _match_bitset(scope: _Scope, bitset: _Bitset, atoms: _Atoms, matches: set[int]) -> None:
    atom_of_slot = {scope.slots[atom]: atom for atom in atoms}
    first, remaining, slots = bitset
    for slot, default, by_atom in slots:
        remaining &= by_atom.get(atom_of_slot.get(slot, 0), default)
        if not remaining:
            return
    while remaining:
        lowest = remaining & -remaining
        matches.add(scope.results[first + lowest.bit_length() - 1])
        remaining ^= lowest
