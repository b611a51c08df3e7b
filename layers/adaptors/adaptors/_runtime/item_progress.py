"""Where a retry resumes inside an operation that applies others: item by item.

When a nested operation fails, each operation around it adds a *frame* to the error, a dict that
JSON can represent: the item or the step that failed, and the state before it. Whatever executes the
job stores the frames, and gives them back as the key `RESUME` of the state. A function between two
operations ends the chain: the operation around it resumes at its own item.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adaptors._runtime import emit

State = dict[str, Any]
Frame = dict[str, Any]
RESUME = "$resume"
"""The key of the state that has the frames with which an operation resumes."""
_ATTRIBUTE = "item_progress"


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """The frames of the operation `owner`, and how many messages were emitted before them."""

    owner: object
    frames: tuple[Frame, ...]
    emitted: int


def take_frames(state: State) -> tuple[State, Sequence[Frame]]:
    """Return the state without the frames of the operation that it resumes, and the frames.

    >>> take_frames({"data": 1, "$resume": [{"item": 2}]})
    ({'data': 1}, [{'item': 2}])
    """
    if RESUME not in state:
        return state, ()
    return {key: value for key, value in state.items() if key != RESUME}, state[RESUME]


def snapshot(state: State) -> State:
    """Return a copy of the state that operations do not change, without its configuration.

    >>> snapshot({"data": [1], "configuration": {"password": "x"}})
    {'data': [1]}
    """
    return {
        key: copy.copy(value) if type(value) in (list, dict) else value
        for key, value in state.items()
        if key not in {"configuration", RESUME}
    }


def resumed_state(state: State, frame: Frame, deeper: Sequence[Frame] = ()) -> State:
    """Return the state of a frame, with the configuration of the run and the deeper frames.

    >>> resumed_state({"configuration": {}}, {"state": {"data": 1}}, [{"item": 2}])
    {'data': 1, 'configuration': {}, '$resume': [{'item': 2}]}
    """
    extra = {key: state[key] for key in ("configuration",) if key in state}
    return {**frame["state"], **extra, **({RESUME: list(deeper)} if deeper else {})}


def add_frame(
    error: BaseException, owner: object, frame: Frame, inner: object, emitted: int
) -> None:
    """Add the frame of an operation to an error that `inner` has raised."""
    progress = _progress_of(error, inner)
    deeper = progress.frames if progress else ()
    vars(error)[_ATTRIBUTE] = ItemProgress(
        owner, (frame, *deeper), progress.emitted if progress else emitted
    )


def adopt_frames(error: BaseException, owner: object, inner: object) -> None:
    """Make the frames that `inner` has added to an error those of another operation."""
    if progress := _progress_of(error, inner):
        vars(error)[_ATTRIBUTE] = ItemProgress(owner, progress.frames, progress.emitted)


def remove_frames(error: BaseException, owner: object) -> tuple[Sequence[Frame], int]:
    """Remove the frames that `owner` has added to an error.

    Returns them, and how many messages were emitted before them.
    """
    progress = _progress_of(error, owner)
    vars(error).pop(_ATTRIBUTE, None)
    return (progress.frames, progress.emitted) if progress else ((), emitted_messages())


def emitted_messages() -> int:
    """Return how many messages the attempt has emitted."""
    return emit.count()


def _progress_of(error: BaseException, owner: object) -> ItemProgress | None:
    progress = getattr(error, _ATTRIBUTE, None)
    is_own = isinstance(progress, ItemProgress) and progress.owner is owner
    return progress if is_own else None
