"""A queued message or a clock tick → a run for every job whose trigger says so."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from openfn import ids, metrics
from openfn.errors import NotFound, NotQueued, log_fields
from openfn.log_events import LogEvent
from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.metrics import Metric
from openfn.project import compiled as project
from openfn.project.compiled import Project
from openfn.project.triggers import Kind, order_key, with_query_params
from openfn.runs import circuit_breaker, cron, dispatch, reconciliation
from openfn.runs import store as runs
from openfn.runs.cron import Period
from openfn.runs.model import Plan
from openfn.storage import sqs_batch
from openfn.storage.sqs_batch import QueuedId

_logger = Logger(service="matcher", location=None)


def lambda_handler(event: dict[str, Any], _context: object) -> Mapping[str, Any]:
    """Take a batch of the match queue, or EventBridge's tick."""
    if "Records" in event:
        return sqs_batch.process(event, "message_id", _match)
    # Each in its own right: the one must not wait for what is wrong with the other.
    acts = (_queue_late, _queue_due, partial(_queue_strays, event), partial(_run_due, event))
    errors = [error for act in acts for error in _try(act)]
    if errors:
        raise errors[0]
    # One that is not counted is an alarm; a circuit is counted as long as runs wait for it.
    metrics.write("matcher", {Metric.TICKS: 1, Metric.CIRCUITS_OPEN: circuit_breaker.count_open()})
    return {}


def _match(queued: Sequence[QueuedId]) -> Mapping[str, Exception]:
    found = messages.read_items([each.id for each in queued])
    plans: list[Plan] = []
    counts = Counter[Metric]()

    def match(message_id: str) -> None:
        matching = _create_runs(found.get(message_id), message_id)
        counts[Metric.MATCHED if matching else Metric.UNMATCHED] += 1
        plans.extend(matching)

    errors = sqs_batch.process_in_order(queued, match, _not_matched)
    for run_id, why in dispatch.queue(plans).items():
        _logger.error(LogEvent.RUN_NOT_QUEUED, extra={"run_id": run_id, "error": why})
        errors[ids.source_id_of(run_id)] = NotQueued("the run queue did not take a run")
    metrics.write("matcher", counts)
    return errors


def _create_runs(item: dict[str, Any] | None, message_id: str) -> list[Plan]:
    if item is None or int(item["expires"]) <= time.time():
        raise NotFound(f"there is no message {message_id} (any more)")
    message, current = messages.from_item(item), project.current()
    parsed = bodies.parse_exact(message.body, message.headers)
    body = with_query_params(parsed, dict(message.query_params))
    matching = current.jobs_for_message(message.inbox, body)
    inbox = current.inbox_by_name(message.inbox)
    plan = Plan(message_id, "", "", depth=message.depth, erase=bool(inbox and inbox.keep == "none"))
    plans = [
        replace(plan, job=job.name, trigger=trigger.name, order=order_key(trigger, body))
        for trigger, job in matching
    ]
    runs.create(plans, current.version)
    what = {"message_id": message_id, "inbox": message.inbox}
    if not plans:
        messages.mark_unmatched(message_id, current.version)
        _logger.info(LogEvent.MESSAGE_UNMATCHED, extra=what)
    for plan in plans:
        _logger.info(
            LogEvent.MESSAGE_MATCHED, extra={**what, "trigger": plan.trigger, "job": plan.job}
        )
    return plans


def _not_matched(queued: QueuedId, error: Exception) -> None:
    _logger.error(
        LogEvent.MESSAGE_NOT_MATCHED, extra={"message_id": queued.id, **log_fields(error)}
    )


def _try(act: Callable[[], None]) -> list[Exception]:
    try:
        act()
    except Exception as error:
        _logger.error(LogEvent.TICK_FAILED, extra=log_fields(error))
        return [error]
    return []


def _queue_late() -> None:
    late = [(each, project.current().group_of(inbox)) for each, inbox in messages.unqueued()]
    refused = messages.queue_all(late)
    queued = [message_id for message_id, _ in late if message_id not in refused]
    for message_id in queued:
        messages.clear_unqueued(message_id)
    if queued:
        _logger.warning(LogEvent.MESSAGES_QUEUED_LATE, extra={"messages": len(queued)})
        metrics.write("matcher", {Metric.QUEUED_LATE: len(queued)})


def _queue_due() -> None:
    now = time.time()
    if queued := dispatch.queue_due(now) + dispatch.release(now):
        _logger.info(LogEvent.RUNS_QUEUED_AGAIN, extra={"runs": queued})


def _queue_strays(tick: Mapping[str, str]) -> None:
    minute = cron.minute_of(tick["time"], time.time())
    if not reconciliation.is_due(minute):
        return
    found, stray = reconciliation.orphans(minute)
    current = project.current()
    messages.queue_all([(each, current.group_of(inbox)) for each, inbox in found])
    dispatch.queue([run.plan for run in stray])
    if found or stray:
        about = {"messages": len(found), "runs": len(stray)}
        _logger.warning(LogEvent.ORPHANS_QUEUED, extra=about)
        metrics.write("matcher", {Metric.QUEUED_LATE: len(found) + len(stray)})


def _run_due(tick: Mapping[str, str]) -> None:
    current = project.current()
    if current.cron_triggers:
        handled = cron.load_last_handled()
        for period in cron.periods(handled.minute, cron.minute_of(tick["time"], time.time())):
            _handle(current, period, handled.triggers)
            # A new trigger is known once the clock has come to where it began.
            over = period.until == period.now
            names = [each.name for each in current.cron_triggers] if over else handled.triggers
            cron.record_handled(period.until, names)


def _handle(current: Project, period: Period, known: Container[str]) -> None:
    plans = [
        Plan(ids.minute_id(minute), job.name, trigger.name, Kind.CRON, order=Kind.CRON)
        for trigger in current.cron_triggers
        for minute in cron.due_minutes(trigger, period, known)
        for job in current.jobs_by_trigger[trigger.name]
    ]
    if refused := dispatch.create_and_queue(plans):
        raise NotQueued(f"the run queue did not take {len(refused)} runs that are due")
    for plan in plans:
        _logger.info(
            LogEvent.RUN_DUE, extra={"run_id": plan.id, "trigger": plan.trigger, "job": plan.job}
        )
