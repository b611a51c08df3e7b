"""What a run changed: the leaves of its states that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from console import trees

MAX_CHANGES = 300
"""How many changes a page shows."""


@dataclass(frozen=True, slots=True)
class Change:
    """A leaf that differs: `added`, `removed`, `changed`, or `moved` with all below it."""

    path: str
    before: str
    after: str
    kind: str


def compare(before: Any, after: Any) -> Sequence[Change]:
    """Return the changes from one state to another, in the order of the states.

    An operation that fetches or sends moves `data` to `references`, which is one change.
    """
    changes, position = list[Change](), _position_of_data(before, after)
    if position is not None:
        changes.append(Change("data", "", f"references.{position}", "moved"))
        before = {name: value for name, value in before.items() if name != "data"}
        references = after["references"]
        rest = references[:position] + references[position + 1 :]
        after = {**after, "references": rest or before.get("references", rest)}
        before = {"references": [], **before}
    return [*changes, *_changed_leaves(before, after)]


def _position_of_data(before: Any, after: Any) -> int | None:
    """Return where in `references` the data of the state before is, if it was moved there."""
    data, references = before.get("data"), after.get("references")
    if not data or data == after.get("data") or not isinstance(references, list):
        return None
    return next((n for n, reference in enumerate(references) if reference == data), None)


def _changed_leaves(before: Any, after: Any) -> Iterator[Change]:
    old, new = _texts(before), _texts(after)
    for path in [*old, *(path for path in new if path not in old)]:
        if path not in old:
            yield Change(path, "", new[path], "added")
        elif path not in new:
            yield Change(path, old[path], "", "removed")
        elif old[path] != new[path]:
            yield Change(path, old[path], new[path], "changed")


def _texts(state: Any) -> dict[str, str]:
    return {
        ".".join(map(str, path)): trees.shorten(trees.json_text(value))
        for path, value in trees.leaves(state)
    }
