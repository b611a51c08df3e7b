"""Read one message or one run with everything that is stored for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from openfn import ids
from openfn.errors import NotFound
from openfn.history import messages, queries, runs
from openfn.history.messages import MessageState, MessageSummary
from openfn.history.queries import Period
from openfn.messages import store
from openfn.messages.store import Message
from openfn.project.triggers import Kind
from openfn.runs import outbox
from openfn.runs import store as run_store
from openfn.runs.model import Plan, RunStatus
from openfn.storage import aws, blobs, partitions, table
from openfn.storage.aws import Setting
from openfn.storage.dynamodb_values import Item
from openfn.storage.item_type import ItemType, item_type

MAX_SEARCHED = 10_000
"""How many messages are searched at most for those in a state."""


@dataclass(frozen=True, slots=True)
class RunDetails:
    """A run with its log, its final state and its error."""

    id: str
    job: str
    trigger: str
    kind: Kind
    status: RunStatus
    attempt: int
    duration_ms: int | None
    log: str
    final: dict[str, Any] | None
    error: dict[str, Any] | None
    project_version: str
    next: str | None
    """When the next attempt is due (UTC)."""


@dataclass(frozen=True, slots=True)
class AttemptDetails:
    """An earlier attempt at a run: `failed`, `succeeded` or `crashed`."""

    attempt: int
    status: str
    started: str
    finished: str
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class MessageDetails:
    """A message with its body and its runs."""

    summary: MessageSummary
    message: Message
    """Its body is empty if it is missing."""
    unreadable: str | None
    """Why no trigger could read the body."""
    missing: str | None
    """Why the body cannot be read any more."""

    @property
    def problem(self) -> str | None:
        """Why the body cannot be matched."""
        return self.missing or self.unreadable

    @property
    def started_jobs(self) -> tuple[str, ...]:
        """The jobs that the message itself started."""
        return tuple(sorted(run.job for run in self.summary.runs if run.kind is Kind.MESSAGE))


def run(run_id: str) -> RunDetails | None:
    """Return a run, or None if there is no such run."""
    items = table.get([ids.key_of(run_id)])
    return _run(items[0]) if items and item_type(items[0]) is ItemType.RUN else None


def attempts(run_id: str) -> list[AttemptDetails]:
    """Return the earlier attempts at a run, without the last one."""
    return [_attempt(item) for item in partitions.below(run_id)]


def emitted_messages(run_id: str) -> list[str]:
    """Return the ids of the messages that a run has emitted."""
    return [emission.id for emission in outbox.load(run_store.load(run_id))]


def follow_ups(run: RunDetails) -> list[str]:
    """Return the ids of the runs that the success or failure of a run has started."""
    siblings = queries.runs_of(ids.source_id_of(run.id))
    return [item["sk"] for item in siblings if Plan.from_item(item).upstream_id == run.id]


def message(message_id: str) -> MessageDetails | None:
    """Return a message, or None if there is no such message."""
    return messages_by_id([message_id]).get(message_id)


def messages_by_id(message_ids: Iterable[str]) -> dict[str, MessageDetails]:
    """Return messages by id, without the ids that no message has."""
    items = store.read_items(message_ids)
    return {
        name: _message([item, *partitions.below(name, queries.SUMMARY_ATTRIBUTES)])
        for name, item in items.items()
    }


def not_found(kind: str, *identifiers: str) -> NotFound:
    """Return the error for ids that no message or run has."""
    days = aws.setting(Setting.RETENTION_DAYS)
    return NotFound(
        f"No {kind} with id {', '.join(identifiers)}. "
        f"It may be older than the retention period ({days} days)."
    )


def newest_messages(
    limit: int, days: int | None = None, state: MessageState | None = None
) -> list[MessageDetails]:
    """Return the newest messages, newest first, of the last days or of the retention period.

    With a state, those in this state among the newest `MAX_SEARCHED` messages.
    """
    now = datetime.now(UTC)
    earliest = now - timedelta(days=days or int(aws.setting(Setting.RETENTION_DAYS)) + 1)
    period = Period(earliest, now + timedelta(minutes=1))
    sources = queries.newest_first(period, ())
    # A minute of a cron trigger has runs too, but no message.
    with_message = (items for items in sources if item_type(items[0]) is ItemType.MESSAGE)
    if state:
        searched = islice(with_message, MAX_SEARCHED)
        with_message = (items for items in searched if messages.state_of(items) is state)
    return [_message(items) for items in islice(with_message, limit)]


def _message(items: Sequence[Item]) -> MessageDetails:
    item, missing = items[0], None
    try:
        message = store.from_item(item)
    except NotFound as error:
        message, missing = Message(item["sk"], item["inbox"], b""), str(error)
    return MessageDetails(messages.summary_of(items), message, item.get("unreadable"), missing)


def _attempt(item: Item) -> AttemptDetails:
    return AttemptDetails(
        attempt=int(item["attempt"]),
        status=item["status"],
        started=item["started"],
        finished=item["finished"],
        error=runs.error_of(item),
    )


def _run(item: Item) -> RunDetails:
    due = runs.next_attempt_at(item)
    return RunDetails(
        id=item["sk"],
        job=item["job"],
        trigger=item["trigger"],
        kind=Kind(item["kind"]),
        status=RunStatus(item["status"]),
        attempt=int(item["attempt"]),
        duration_ms=runs.duration_ms(item),
        log=blobs.read("log", item).decode() if blobs.has("log", item) else "",
        final=json.loads(blobs.read("final", item)) if blobs.has("final", item) else None,
        error=runs.error_of(item),
        project_version=item["project_version"],
        next=table.timestamp(due.timestamp()) if due else None,
    )
