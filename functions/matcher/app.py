"""A queued message or a clock tick → a run for every job whose trigger says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from openfn import bodies, ids, messages, project, queues, runs
from openfn.errors import NotFound, NotQueued, place
from openfn.triggers import matchable

_logger = Logger(service="matcher", location=None)


def lambda_handler(event: dict[str, Any], _context: object) -> Mapping[str, Any]:
    """Take a batch of the match queue, or EventBridge's tick."""
    if "Records" in event:
        return queues.process(event, "message_id", _match)
    if queued := messages.queue_marked():
        _logger.warning("messages queued late", extra={"messages": queued})
    return {}


def _match(message_ids: Sequence[str]) -> Mapping[str, Exception]:
    found = messages.read_items(message_ids)
    errors: dict[str, Exception] = {}
    run_ids: list[str] = []
    counts = Counter[str]()
    for message_id in message_ids:
        try:
            created = _create_runs(found.get(message_id), message_id)
        except Exception as error:
            _logger.error("message not matched", extra={"message_id": message_id, **place(error)})
            errors[message_id] = error
            continue
        counts["MessagesMatched" if created else "MessagesUnmatched"] += 1
        counts["RunsCreated"] += len(created)
        run_ids += created
    for run_id, why in runs.queue(run_ids).items():
        _logger.error("run not queued", extra={"run_id": run_id, "error": why})
        errors[ids.message_id_of(run_id)] = NotQueued("the run queue did not take a run")
    _tell(counts)
    return errors


def _create_runs(item: dict[str, Any] | None, message_id: str) -> list[str]:
    if item is None:
        raise NotFound(f"there is no message {message_id}")
    message, current = messages.message_of(item), project.current()
    parsed = bodies.parse_exact(message.body, message.headers)
    body = matchable(parsed, dict(message.query_params))
    matching = current.triggered_by(message.inbox, body)
    created = [
        runs.create(message_id, job.name, trigger.name, current.version)
        for trigger, job in matching
    ]
    what = {"message_id": message_id, "inbox": message.inbox}
    if not created:
        _logger.info("message unmatched", extra=what)
    for trigger, job in matching:
        _logger.info("message matched", extra={**what, "trigger": trigger.name, "job": job.name})
    return created


def _tell(counts: Counter[str]) -> None:
    metrics = EphemeralMetrics(service="matcher")
    for name, count in counts.items():
        if count:  # a zero would cost log volume, the largest bill, and say nothing
            metrics.add_metric(name, MetricUnit.Count, count)
    if metrics.metric_set:
        metrics.flush_metrics()
