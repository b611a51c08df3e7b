"""Create runs: for queued messages that match a trigger, and for cron triggers at each tick."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger

from openfn import ids, metrics
from openfn.errors import NotFound, NotQueued, UnreadableBody, log_fields
from openfn.log_events import LogEvent
from openfn.messages import bodies, late
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.metrics import Metric
from openfn.project import compiled as project
from openfn.project.compiled import Project
from openfn.project.triggers import Kind, order_key, with_query_params
from openfn.runs import circuit_breaker, cron, dispatch, reconciliation
from openfn.runs import store as runs
from openfn.runs.cron import Period
from openfn.runs.model import Plan
from openfn.storage import sqs_batch
from openfn.storage.aws import Item
from openfn.storage.sqs_batch import QueuedId

Tick = Mapping[str, str]

# What a body can raise while it is matched. It would be raised at every delivery.
_BODY_ERRORS = (
    *(UnreadableBody, ArithmeticError, LookupError, MemoryError, RecursionError),
    *(TypeError, ValueError),
)
_logger = Logger(service="matcher", location=None, xray_trace_id=None, use_rfc3339=True)


def lambda_handler(event: dict[str, Any], _context: object) -> Mapping[str, Any]:
    """Process a batch of the match queue, or EventBridge's tick of a minute."""
    if "Records" in event:
        return sqs_batch.process(event, "message_id", _match_batch)
    # All steps run, even if an earlier one fails: they do not depend on each other.
    steps = (_queue_late_messages, _queue_due_runs, _queue_orphans, _start_cron_runs)
    errors = [error for step in steps if (error := _try(step, event))]
    if errors:
        raise errors[0]
    # A missing tick sounds an alarm. A circuit counts as open as long as runs wait for it.
    metrics.write("matcher", {Metric.TICKS: 1, Metric.CIRCUITS_OPEN: circuit_breaker.count_open()})
    return {}


def _match_batch(received: Sequence[QueuedId]) -> Mapping[str, Exception]:
    items = messages.read_items([queued.id for queued in received])
    late_ids = late.unmatched(_ordered_inboxes(items))
    queued_ids = late.with_earlier(received, items, late_ids)
    items |= messages.read_items([queued.id for queued in queued_ids if queued.id not in items])
    plans: list[Plan] = []
    counts = Counter[Metric]()

    def match(message_id: str) -> None:
        item = _existing(items.get(message_id), message_id)
        late.raise_if_too_many(message_id, late_ids.get(item["inbox"], ()))
        if messages.is_erased(item):
            return  # A record with `dedupe` was posted again after all its runs had succeeded.
        outcome, message_plans = _match(item)
        counts[outcome] += 1
        plans.extend(message_plans)

    errors = sqs_batch.process_in_order(queued_ids, match, _log_error)
    for run_id, code in dispatch.queue(plans).items():
        _logger.error(LogEvent.RUN_NOT_QUEUED, extra={"run_id": run_id, "error": code})
        errors[ids.source_id_of(run_id)] = NotQueued("The run queue did not accept a run.")
    late.clear_marks(late_ids, queued_ids, errors)
    metrics.write("matcher", counts)
    return errors


def _ordered_inboxes(items: Mapping[str, Item]) -> set[str]:
    inboxes = {str(item["inbox"]) for item in items.values()}
    return {inbox for inbox in inboxes if project.current().group_of(inbox)}


def _existing(item: Item | None, message_id: str) -> Item:
    if item is None or int(item["expires"]) <= time.time():
        raise NotFound(f"No message has the id {message_id}. It may have expired.")
    return item


def _match(item: Item) -> tuple[Metric, list[Plan]]:
    """Create the runs of a message; return the metric that counts it, and the runs' plans."""
    message, current = messages.from_item(item), project.current()
    try:
        plans = _plan_runs(message, current)
    except _BODY_ERRORS as error:
        messages.mark_unmatchable(message.id, current.version)
        fields = {"message_id": message.id, "inbox": message.inbox, **log_fields(error)}
        _logger.error(LogEvent.MESSAGE_UNMATCHABLE, extra=fields)
        return Metric.UNMATCHABLE, []
    runs.create(plans, current.version)
    if not plans:
        messages.mark_unmatched(message.id, current.version)
    _log_matches(message, plans)
    return Metric.MATCHED if plans else Metric.UNMATCHED, plans


def _plan_runs(message: Message, current: Project) -> list[Plan]:
    parsed = bodies.parse_exact(message.body, message.headers)
    body = with_query_params(parsed, dict(message.query_params))
    inbox = current.inbox_by_name(message.inbox)
    erase = bool(inbox and inbox.keep == "none")
    plan = Plan(message.id, "", "", depth=message.depth, erase=erase)
    return [
        replace(plan, job=job.name, trigger=trigger.name, order=order_key(trigger, body))
        for trigger, job in current.jobs_for_message(message.inbox, body)
    ]


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


def _try(step: Callable[[Tick], None], tick: Tick) -> Exception | None:
    try:
        step(tick)
    except Exception as error:
        _logger.error(LogEvent.TICK_FAILED, extra=log_fields(error))
        return error
    return None


def _queue_late_messages(_tick: Tick) -> None:
    late_messages = _with_groups(messages.unqueued())
    failed = messages.queue_all(late_messages)
    queued = [pair for pair in late_messages if pair[0] not in failed]
    for message_id, group in queued:
        if group is None:  # else it keeps its mark until it is matched: newer ones wait for it
            messages.clear_unqueued(message_id)
    if queued:
        _logger.warning(LogEvent.MESSAGES_QUEUED_LATE, extra={"messages": len(queued)})
        metrics.write("matcher", {Metric.QUEUED_LATE: len(queued)})


def _queue_due_runs(_tick: Tick) -> None:
    now = time.time()
    if queued := dispatch.queue_due(now) + dispatch.release(now):
        _logger.info(LogEvent.RUNS_QUEUED_AGAIN, extra={"runs": queued})


def _queue_orphans(tick: Tick) -> None:
    minute = cron.minute_of(tick["time"], time.time())
    if not reconciliation.is_due(minute):
        return
    orphan_messages, orphan_runs = reconciliation.orphans(minute)
    messages.queue_all(_with_groups(orphan_messages))
    dispatch.queue([run.plan for run in orphan_runs])
    if orphan_messages or orphan_runs:
        counts = {"messages": len(orphan_messages), "runs": len(orphan_runs)}
        _logger.warning(LogEvent.ORPHANS_QUEUED, extra=counts)
        metrics.write("matcher", {Metric.QUEUED_LATE: sum(counts.values())})


def _with_groups(late: Sequence[tuple[str, str]]) -> list[tuple[str, str | None]]:
    current = project.current()
    return [(message_id, current.group_of(inbox)) for message_id, inbox in late]


def _start_cron_runs(tick: Tick) -> None:
    current = project.current()
    if current.cron_triggers:
        handled = cron.load_last_handled()
        until = cron.minute_of(tick["time"], time.time())
        for period in cron.periods(handled.minute, until):
            _start_runs_of(current, period, handled.triggers)
            # A new trigger counts as known once the clock has reached the minute of its first tick.
            is_last = period.until == period.now
            names = [t.name for t in current.cron_triggers] if is_last else handled.triggers
            cron.record_handled(period.until, names)


def _start_runs_of(current: Project, period: Period, known_triggers: Container[str]) -> None:
    plans = [
        Plan(ids.minute_id(minute), job.name, trigger.name, Kind.CRON, order=Kind.CRON)
        for trigger in current.cron_triggers
        for minute in cron.due_minutes(trigger, period, known_triggers)
        for job in current.jobs_by_trigger[trigger.name]
    ]
    if failed := dispatch.create_and_queue(plans):
        raise NotQueued(f"The run queue did not accept {len(failed)} runs that are due.")
    for plan in plans:
        fields = {"run_id": plan.id, "trigger": plan.trigger, "job": plan.job}
        _logger.info(LogEvent.RUN_DUE, extra=fields)
