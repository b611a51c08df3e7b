"""Selected runs and messages on their way to the runner again, in the order received."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from openfn.errors import NotReplayed, log_fields
from openfn.history.replay_selection import Selected
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.runs import dispatch, replay
from openfn.runs import store as runs
from openfn.runs.model import Run
from openfn.storage import aws
from openfn.storage.attention import Attention

# So many are made ready side by side, then queued one behind the other.
_AT_ONCE, _CALLS = 50, 8
_LATER = "; the next tick queues it"


def replay_runs(
    selected: Sequence[Selected], *, restart: bool, advance: Callable[[int], object]
) -> dict[str, str]:
    """Replay runs in the order given; give the ids of those that were not queued, with why.

    Once AWS refuses one, none of those behind it is begun. `advance` is told how many are through.
    """
    left: dict[str, str] = {}
    for start in range(0, len(selected), _AT_ONCE):
        part = selected[start : start + _AT_ONCE]
        why, trouble = _replay(part, restart=restart)
        left |= why
        advance(len(part))
        if trouble:
            behind = selected[start + _AT_ONCE :]
            return left | {each.id: f"not begun, after {trouble}" for each in behind}
    return left


def replay_messages(found: Sequence[Message]) -> dict[str, str]:
    """Have messages matched again; give the ids of those that were not queued, with why."""
    current = project.current()
    return {
        each.id: f"the match queue did not take it{_LATER}"
        for each in found
        if not messages.queue(each.id, current.group_of(each.inbox))
    }


def _replay(part: Sequence[Selected], *, restart: bool) -> tuple[dict[str, str], str]:
    found = runs.load_all(each.id for each in part)
    with ThreadPoolExecutor(_CALLS) as pool:
        refusals = pool.map(partial(_ready, found, restart=restart), part)
        refused = {each.id: why for each, why in zip(part, refusals, strict=True) if why}
    left = {run_id: _said(error) for run_id, error in refused.items()}
    ready = [found[each.id].plan for each in part if each.id not in refused]
    unqueued = runs.queue([(plan, dispatch.group_of(plan)) for plan in ready])
    for run_id, why in unqueued.items():
        runs.flag(run_id, Attention.RUN_UNQUEUED, time.time())
        left[run_id] = f"the run queue did not take it: {why}{_LATER}"
    troubles = [left[run_id] for run_id, e in refused.items() if not isinstance(e, NotReplayed)]
    return left, next(iter([*troubles, *(left[run_id] for run_id in unqueued)]), "")


def _ready(found: dict[str, Run], selected: Selected, *, restart: bool) -> Exception | None:
    run = found.get(selected.id)
    if run is None:
        return NotReplayed("it has expired")
    if run.status != selected.status:
        return NotReplayed(f"it is {run.status} by now")
    try:
        replay.replay(run, restart=restart)
    except (NotReplayed, *aws.AWSError) as error:
        return error
    return None


def _said(error: Exception) -> str:
    return (
        str(error)
        if isinstance(error, NotReplayed)
        else f"AWS refuses it: {log_fields(error)['error']}"
    )
