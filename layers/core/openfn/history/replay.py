"""Replay the selected runs and messages, in the order received."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from openfn.errors import NotReplayed, log_fields
from openfn.history.replay_selection import ReplayTarget
from openfn.messages import late_marks
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.runs import dispatch, replay
from openfn.runs import store as runs
from openfn.runs.model import Run
from openfn.storage import aws
from openfn.storage.attention import Attention

# Runs are prepared in batches, side by side, and then queued in order.
_BATCH, _WORKERS = 50, 8
_NEXT_TICK = "The next tick queues it."


def replay_runs(
    targets: Sequence[ReplayTarget],
    *,
    restart: bool,
    on_progress: Callable[[int], object],
    queue: bool = True,
) -> dict[str, str]:
    """Replay runs in the given order; return why some were not queued, by id.

    After the first AWS error no further batch is started. `on_progress` receives the size of each
    finished batch. The groups of the queue depend on the project: without `queue`, the stack's next
    tick queues the runs.
    """
    not_queued: dict[str, str] = {}
    for start in range(0, len(targets), _BATCH):
        batch = targets[start : start + _BATCH]
        reasons, aws_error = _replay_batch(batch, restart=restart, queue=queue)
        not_queued |= reasons
        on_progress(len(batch))
        if aws_error:
            rest = targets[start + _BATCH :]
            return not_queued | {run.id: f"Not started after: {aws_error}" for run in rest}
    return not_queued


def replay_messages(selected: Sequence[Message], *, queue: bool = True) -> dict[str, str]:
    """Queue messages to be matched again; return why some were not queued, by id.

    Without `queue`, the stack's next tick queues them.
    """
    if not queue:
        for message in selected:
            late_marks.mark(message.inbox, message.id)
        return {}
    current = project.current()
    return {
        message.id: f"The match queue did not accept it. {_NEXT_TICK}"
        for message in selected
        if not messages.queue(message.id, message.inbox, current.group_of(message.inbox))
    }


def _replay_batch(
    batch: Sequence[ReplayTarget], *, restart: bool, queue: bool
) -> tuple[dict[str, str], str]:
    """Replay a batch; return the reasons by id, and the first error of AWS."""
    stored = runs.load_all(target.id for target in batch)
    with ThreadPoolExecutor(_WORKERS) as pool:
        errors = list(pool.map(partial(_prepare, stored, restart=restart), batch))
    failed = {run.id: error for run, error in zip(batch, errors, strict=True) if error}
    reasons = {run_id: _reason(error) for run_id, error in failed.items()}
    plans = [stored[target.id].plan for target in batch if target.id not in failed]
    if not queue:
        _leave_to_tick(plan.id for plan in plans)
        plans = []
    unqueued = runs.queue([(plan, dispatch.group_of(plan)) for plan in plans])
    _leave_to_tick(unqueued)
    for run_id, why in unqueued.items():
        reasons[run_id] = f"The run queue did not accept it: {why}. {_NEXT_TICK}"
    from_aws = [run_id for run_id, error in failed.items() if not isinstance(error, NotReplayed)]
    return reasons, next((reasons[run_id] for run_id in [*from_aws, *unqueued]), "")


def _leave_to_tick(run_ids: Iterable[str]) -> None:
    for run_id in run_ids:
        runs.flag(run_id, Attention.RUN_UNQUEUED, time.time())


def _prepare(stored: Mapping[str, Run], target: ReplayTarget, *, restart: bool) -> Exception | None:
    run = stored.get(target.id)
    if run is None:
        return NotReplayed("It has expired.")
    if run.status != target.status:
        return NotReplayed(f"Its status is now {run.status}.")
    try:
        replay.replay(run, restart=restart)
    except (NotReplayed, aws.AWSError) as error:
        return error
    return None


def _reason(error: Exception) -> str:
    return (
        str(error) if isinstance(error, NotReplayed) else f"AWS error {log_fields(error)['error']}."
    )
