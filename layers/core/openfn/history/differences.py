"""All values that a trigger wants, and for each whether a message has it.

`why_not` names the first difference. This module lists every leaf of a fragment: a scalar, or an
empty object or array. All leaves match exactly if `fragments.contains` says that the body contains
the fragment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openfn.history.why_not import MISSING, quote_key
from openfn.project.fragments import contains, contains_nested
from openfn.project.triggers import MessageTrigger

# Of a long array, only so many elements are compared leaf by leaf.
_MAX_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that a fragment wants, and what the body has at its path."""

    path: str
    expected: Any
    actual: Any
    """`MISSING` if the body has nothing there."""
    matches: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a trigger matches a message."""

    trigger: MessageTrigger
    accepts_inbox: bool
    inclusions: Sequence[Sequence[Leaf]]
    """The leaves of each inclusion, the nearest first; one of them has to match."""
    exclusions: Sequence[Sequence[Leaf]]
    """The leaves of each exclusion; it excludes the message if all of them match."""

    @property
    def matches(self) -> bool:
        """Whether the trigger matches."""
        return self.distance[0] == 0

    @property
    def unmet(self) -> int:
        """How many values of the nearest inclusion the body does not have."""
        return count_unmet(self.inclusions[0])

    @property
    def excluded(self) -> list[tuple[bool, Sequence[Leaf]]]:
        """Each exclusion: whether it excludes the message, and its leaves."""
        return [(count_unmet(leaves) == 0, leaves) for leaves in self.exclusions]

    @property
    def distance(self) -> tuple[int, int]:
        """How far it is from a match: the nearest trigger has the smallest."""
        excluded = sum(excludes for excludes, _ in self.excluded)
        unmet = self.unmet + excluded + (not self.accepts_inbox)
        return unmet, -sum(leaf.matches for leaf in self.inclusions[0])


def explain_all(triggers: Iterable[MessageTrigger], inbox: str, body: Any) -> list[Explanation]:
    """Explain each trigger for a message, the nearest first."""
    explanations = [explain(trigger, inbox, body) for trigger in triggers]
    return sorted(explanations, key=lambda explanation: explanation.distance)


def explain(trigger: MessageTrigger, inbox: str, body: Any) -> Explanation:
    """Compare every value that a trigger wants with a body as triggers see it."""
    return Explanation(
        trigger,
        trigger.inbox in (None, inbox),
        sorted((differences(body, part) for part in trigger.inclusions), key=count_unmet),
        [differences(body, exclusion) for exclusion in trigger.exclusions],
    )


def differences(body: Any, fragment: Any) -> list[Leaf]:
    """Return every leaf of a fragment, with what the body has in its place."""
    if isinstance(body, list) and not isinstance(fragment, dict | list):
        return [Leaf("[*]", fragment, body, contains(body, fragment))]
    return _compare(body, fragment, "")


def count_unmet(leaves: Iterable[Leaf]) -> int:
    """Return how many leaves do not match."""
    return sum(not leaf.matches for leaf in leaves)


def _compare(value: Any, fragment: Any, path: str) -> list[Leaf]:
    if isinstance(fragment, dict) and fragment:
        return [
            leaf
            for key, part in fragment.items()
            for leaf in _compare(_member(value, key), part, _join(path, key))
        ]
    if isinstance(fragment, list) and fragment:
        return [leaf for part in fragment for leaf in _compare_element(value, part, path)]
    matches = value is not MISSING and contains_nested(value, fragment)
    return [Leaf(path, fragment, value, matches)]


def _compare_element(values: Any, part: Any, path: str) -> list[Leaf]:
    """Compare a part of an array with the element that is most like it."""
    if not isinstance(values, list) or not values:
        return _compare(MISSING, part, f"{path}[*]")
    containing = (n for n, value in enumerate(values) if contains_nested(value, part))
    position = next(containing, None)
    if position is not None:
        return _compare(values[position], part, f"{path}[{position}]")
    if not isinstance(part, dict | list) or not part:
        return [Leaf(f"{path}[*]", part, values, matches=False)]
    candidates = [
        _compare(value, part, f"{path}[{n}]") for n, value in enumerate(values[:_MAX_CANDIDATES])
    ]
    return min(candidates, key=count_unmet)


def _member(value: Any, key: str) -> Any:
    return value.get(key, MISSING) if isinstance(value, dict) else MISSING


def _join(path: str, key: str) -> str:
    return f"{path}.{quote_key(key)}" if path else quote_key(key)
