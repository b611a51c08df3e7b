"""What has changed between two states, so that it can be applied to a third one.

The items of a list share one state. An item that failed keeps what it has added, and gets what the
items behind it have added meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

State = dict[str, Any]
Frame = dict[str, Any]
_MISSING = object()
# The configuration is never stored.
_LEFT_OUT = {"configuration", "$resume"}


def relative(frames: Sequence[Frame], start: State) -> list[Frame]:
    """Return frames that have the changes since `start` in place of their states.

    >>> relative([{"item": 2, "state": {"data": 7, "seen": [1, 2]}}], {"data": 7, "seen": [1]})
    [{'item': 2, 'changes': {'back': {'seen': [2]}}}]
    """
    return [
        {key: value for key, value in frame.items() if key != "state"}
        | ({"changes": _changes(start, frame["state"])} if "state" in frame else {})
        for frame in frames
    ]


def rebased(frames: Sequence[Frame], start: State) -> list[Frame]:
    """Return relative frames with states again: their changes applied to another start.

    >>> rebased([{"item": 2, "changes": {"back": {"seen": [2]}}}], {"data": 7, "seen": [1, 3]})
    [{'item': 2, 'state': {'data': 7, 'seen': [1, 3, 2]}}]
    """
    return [
        {key: value for key, value in frame.items() if key != "changes"}
        | ({"state": _apply(frame["changes"], start)} if "changes" in frame else {})
        for frame in frames
    ]


def _changes(start: State, state: State) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for key, value in state.items():
        before = start.get(key, _MISSING)
        if before is value or before == value:
            continue
        kind, content = _change(key, before, value)
        changes.setdefault(kind, {})[key] = content
    if removed := [key for key in start if key not in state and key not in _LEFT_OUT]:
        changes["removed"] = removed
    return changes


def _change(key: str, before: Any, value: Any) -> tuple[str, Any]:
    if not (isinstance(before, list) and isinstance(value, list)):
        return "set", value
    added = len(value) - len(before)
    is_at_front = added >= 0 and value[added:] == before
    # Operations put the newest reference at the front. Other lists usually grow at their end.
    if is_at_front and (before or key == "references"):
        return "front", value[:added]
    if added >= 0 and value[: len(before)] == before:
        return "back", value[len(before) :]
    return "set", value


def _apply(changes: dict[str, Any], start: State) -> State:
    removed = {*changes.get("removed", ()), *_LEFT_OUT}
    state = {key: value for key, value in start.items() if key not in removed}
    state |= changes.get("set", {})
    for key, added in changes.get("front", {}).items():
        state[key] = [*added, *state.get(key, [])]
    for key, added in changes.get("back", {}).items():
        state[key] = [*state.get(key, []), *added]
    return state
