"""Create runs: for queued messages that match a trigger, and for cron triggers at each tick."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from openfn import ids, metrics
from openfn.errors import MatcherDied, NotFound, NotQueued, log_fields
from openfn.history import counting
from openfn.log_events import LogEvent
from openfn.messages import isolation, late, late_queueing
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.metrics import Metric
from openfn.project import compiled as project
from openfn.runs import circuit_breaker, cron, dispatch, planning, reconciliation
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.runs.reconciliation import Piece
from openfn.storage import sqs_batch
from openfn.storage.aws import Setting
from openfn.storage.dynamodb_values import Item
from openfn.storage.sqs_batch import QueuedId
from openfn.time_budget import TimeBudget

Tick = Mapping[str, str]
Step = Callable[[Tick, TimeBudget], None]
# Marks a message while it is compared with the triggers, in case the process dies.
Mark = Callable[[Item], AbstractContextManager[object]]

# To read a message, match it alone and write its runs, even if AWS services are slow.
_MILLISECONDS_FOR_A_MESSAGE = 40_000
# What a tick may need after the end of its budget, for the pieces of work that have begun.
_SECONDS_TO_END = 10
_logger = Logger(service="matcher", location=None, xray_trace_id=None, use_rfc3339=True)


class Context(Protocol):
    """The part of Lambda's context object that the matcher uses."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation is stopped."""


def lambda_handler(event: dict[str, Any], context: Context) -> Mapping[str, Any]:
    """Process a batch of the match queue, or EventBridge's tick of a minute."""
    if "Records" in event:
        return sqs_batch.process(event, "message_id", partial(_match_batch, context))
    seconds = context.get_remaining_time_in_millis() / 1000
    budget = TimeBudget.from_seconds(seconds - _SECONDS_TO_END)
    # All steps run, even if an earlier one fails or has a backlog. Counts have what time is left.
    steps = (_start_cron_runs, _queue_late_messages, _queue_due_runs, _release_runs, _queue_orphans)
    parts = zip((*steps, _count_hours), (5, 4, 3, 2, 1, 1), strict=True)
    shares = ((step, budget.share(left)) for step, left in parts)
    if errors := [error for step, share in shares if (error := _try(step, event, share))]:
        raise errors[0]
    # A missing tick sounds an alarm. A circuit counts as open as long as runs wait for it.
    metrics.write("matcher", {Metric.TICKS: 1, Metric.CIRCUITS_OPEN: circuit_breaker.count_open()})
    return {}


def _match_batch(context: Context, received: Sequence[QueuedId]) -> Mapping[str, Exception]:
    items = messages.read_items([queued.id for queued in received])
    late_ids = late.unmatched(items.values(), _ordered_inboxes(items))
    waiting = late.waiting(received, items, late_ids)
    with_earlier = late.with_earlier(received, items, late_ids)
    items |= messages.read_items([queued.id for queued in with_earlier if queued.id not in items])
    done = late.matched_before(received, with_earlier, items)
    queued_ids = [queued for queued in with_earlier if queued.id not in {*waiting, *done}]
    groups = isolation.groups(with_earlier, items)
    suspects = {queued.id: queued for queued in queued_ids if queued.group in groups}
    others = [queued for queued in queued_ids if queued.id not in suspects]
    errors = {message_id: error for message_id, error in waiting.items() if error}
    errors |= _match_all(items, others, nullcontext)
    if suspects:  # a process that dies must not take the others along
        sqs_batch.delete(Setting.MATCH_QUEUE_URL, [q for q in others if q.id not in errors])

    def match_alone(message_id: str) -> None:
        if context.get_remaining_time_in_millis() < _MILLISECONDS_FOR_A_MESSAGE:
            raise TimeoutError("The invocation has no time left for another message.")
        queued = [suspects[message_id]]
        for error in _match_all(items, queued, isolation.mark).values():
            raise error
        sqs_batch.delete(Setting.MATCH_QUEUE_URL, queued)

    return errors | sqs_batch.process_in_order([*suspects.values()], match_alone, lambda *_: None)


def _match_all(
    items: Mapping[str, Item], queued_ids: Sequence[QueuedId], mark: Mark
) -> dict[str, Exception]:
    plans: list[Plan] = []
    counts = Counter[Metric]()

    def match(message_id: str) -> None:
        item = _existing(items.get(message_id), message_id)
        if messages.is_erased(item):
            return  # A record with `dedupe` was posted again after all its runs had succeeded.
        outcome, message_plans = _match(item, mark)
        counts[outcome] += 1
        plans.extend(message_plans)

    errors = sqs_batch.process_in_order(queued_ids, match, _log_error)
    for run_id, code in dispatch.queue(plans).items():
        _logger.error(LogEvent.RUN_NOT_QUEUED, extra={"run_id": run_id, "error": code})
        errors[ids.source_id_of(run_id)] = NotQueued("The run queue did not accept a run.")
    late.clear_marks(items, queued_ids, errors)
    metrics.write("matcher", counts)
    return errors


def _ordered_inboxes(items: Mapping[str, Item]) -> set[str]:
    inboxes = {str(item["inbox"]) for item in items.values()}
    return {inbox for inbox in inboxes if project.current().group_of(inbox)}


def _existing(item: Item | None, message_id: str) -> Item:
    if item is None or int(item["expires"]) <= time.time():
        raise NotFound(f"No message has the id {message_id}. It may have expired.")
    return item


def _match(item: Item, mark: Mark) -> tuple[Metric, list[Plan]]:
    """Create the runs of a message; return the metric that counts it, and the runs' plans."""
    message, version = messages.from_item(item), project.current().version
    try:
        with mark(item):
            plans = planning.plan_runs(message)
    except (MatcherDied, *planning.BODY_ERRORS) as error:
        messages.mark_unmatchable(message.id, version)
        if isinstance(error, MatcherDied):
            isolation.clear(message.id)
        fields = {"message_id": message.id, "inbox": message.inbox, **log_fields(error)}
        _logger.error(LogEvent.MESSAGE_UNMATCHABLE, extra=fields)
        return Metric.UNMATCHABLE, []
    runs.create(plans, version)
    if not plans:
        messages.mark_unmatched(message.id, version)
    _log_matches(message, plans)
    return Metric.MATCHED if plans else Metric.UNMATCHED, plans


def _log_matches(message: Message, plans: Sequence[Plan]) -> None:
    fields = {"message_id": message.id, "inbox": message.inbox}
    if not plans:
        _logger.info(LogEvent.MESSAGE_UNMATCHED, extra=fields)
    for plan in plans:
        match = {"trigger": plan.trigger, "job": plan.job}
        _logger.info(LogEvent.MESSAGE_MATCHED, extra={**fields, **match})


def _log_error(queued: QueuedId, error: Exception) -> None:
    fields = {"message_id": queued.id, **log_fields(error)}
    _logger.error(LogEvent.MESSAGE_NOT_MATCHED, extra=fields)


def _try(step: Step, tick: Tick, budget: TimeBudget) -> Exception | None:
    try:
        step(tick, budget)
    except Exception as error:
        _logger.error(LogEvent.TICK_FAILED, extra=log_fields(error))
        return error
    return None


def _queue_late_messages(tick: Tick, budget: TimeBudget) -> None:
    minute = int(cron.minute_of(tick["time"], time.time()).timestamp()) // 60
    queued = late_queueing.queue_late_messages(project.current().group_of, budget, minute)
    if queued:
        _logger.warning(LogEvent.MESSAGES_QUEUED_LATE, extra={"messages": queued})
        metrics.write("matcher", {Metric.QUEUED_LATE: queued})


def _queue_due_runs(_tick: Tick, budget: TimeBudget) -> None:
    _log_queued_again(dispatch.queue_due(time.time(), budget))


def _release_runs(_tick: Tick, budget: TimeBudget) -> None:
    _log_queued_again(dispatch.release(time.time(), budget))


def _count_hours(tick: Tick, budget: TimeBudget) -> None:
    counting.count(cron.minute_of(tick["time"], time.time()), budget)


def _log_queued_again(count: int) -> None:
    if count:
        _logger.info(LogEvent.RUNS_QUEUED_AGAIN, extra={"runs": count})


def _queue_orphans(tick: Tick, budget: TimeBudget) -> None:
    minute = cron.minute_of(tick["time"], time.time())
    last = reconciliation.load_position()
    if (position := reconciliation.start(last, minute)) is None:
        return
    for piece in reconciliation.read(position):
        if not _queue_piece(piece) or not reconciliation.record(last, piece.position):
            return  # the next tick reads this piece again, or another tick goes on
        if budget.is_used_up:
            return
        last = piece.position


def _queue_piece(piece: Piece) -> bool:
    """Queue orphans; return whether the queues accepted all that nobody else will queue."""
    if messages.queue_all(_with_groups(piece.messages)):
        return False
    refused_runs = dispatch.queue([run.plan for run in piece.runs])
    if piece.messages or piece.runs:
        counts = {"messages": len(piece.messages), "runs": len(piece.runs)}
        _logger.warning(LogEvent.ORPHANS_QUEUED, extra=counts)
        metrics.write("matcher", {Metric.QUEUED_LATE: sum(counts.values())})
    return not refused_runs


def _with_groups(late: Sequence[tuple[str, str]]) -> list[tuple[str, str | None]]:
    current = project.current()
    return [(message_id, current.group_of(inbox)) for message_id, inbox in late]


def _start_cron_runs(tick: Tick, budget: TimeBudget) -> None:
    current = project.current()
    if not current.cron_triggers:
        return
    handled = cron.load_last_handled()
    until = cron.minute_of(tick["time"], time.time())
    for period in cron.periods(handled.minute, until):
        for plans, minute in cron.due_runs(current, period, handled.triggers):
            _start_runs(plans)
            # A new trigger counts as known once the clock has reached the minute of its first tick.
            is_last = minute == period.now
            names = [t.name for t in current.cron_triggers] if is_last else handled.triggers
            cron.record_handled(minute, names)
            if budget.is_used_up:
                return


def _start_runs(plans: Sequence[Plan]) -> None:
    if failed := dispatch.create_and_queue(plans):
        raise NotQueued(f"The run queue did not accept {len(failed)} runs that are due.")
    for plan in plans:
        fields = {"run_id": plan.id, "trigger": plan.trigger, "job": plan.job}
        _logger.info(LogEvent.RUN_DUE, extra=fields)
