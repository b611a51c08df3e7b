"""Edits of submissions. KoboToolbox does not store when a submission was edited.

An edited submission keeps its `_id`, has a new `_uuid`, and names the version before it in
`meta/deprecatedID`. So the state remembers the `_uuid` of each edited submission.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adaptors.operations import State

EDITED = {"meta/deprecatedID": {"$exists": True}}
"""The query that selects edited submissions."""


def unseen_edits(
    state: State, form_id: str, new: Sequence[Any], edited: Sequence[Any]
) -> tuple[list[Any], State]:
    """Return the submissions that were edited since the last run, and the state that knows them.

    `new` are the new submissions, which were fetched just before `edited`. The first run only
    remembers what was edited before.

    >>> state = {"pulled": {"a edits": {"1": "x"}}}
    >>> unseen_edits(state, "a", [], [{"_id": 1, "_uuid": "y"}])
    ([{'_id': 1, '_uuid': 'y'}], {'pulled': {'a edits': {'1': 'y'}}})
    """
    pulled = state.get("pulled", {})
    name = f"{form_id} edits"
    current = _versions(edited)
    before = pulled.get(name, current)
    known = {**before, **_versions(new)}
    unseen = [item for item in edited if known.get(str(item.get("_id"))) != item.get("_uuid")]
    return unseen, {**state, "pulled": {**pulled, name: current}}


def _versions(submissions: Sequence[Any]) -> dict[str, Any]:
    return {str(submission.get("_id")): submission.get("_uuid") for submission in submissions}
