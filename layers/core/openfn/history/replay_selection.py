"""Select the runs to replay: by id, or all that failed or succeeded since a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from openfn.errors import NotReplayed
from openfn.history import details, runs
from openfn.history.details import MessageDetails
from openfn.history.queries import Period
from openfn.messages.store import Message
from openfn.project.triggers import Kind
from openfn.runs import store
from openfn.runs.model import RunStatus
from openfn.storage import attention, aws
from openfn.storage.attention import Attention
from openfn.storage.aws import Setting


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """A run to replay, and its status when it was selected."""

    id: str
    job: str
    status: RunStatus


def by_ids(identifiers: Sequence[str]) -> tuple[list[ReplayTarget], list[Message]]:
    """Return the runs and messages with these ids, in the order received.

    The runs include those that the messages started, if they have ended. Raises `NotFound` for
    unknown ids, and `NotReplayed` for a message whose body cannot be read.
    """
    unique = list(dict.fromkeys(identifiers))
    selected, messages = store.load_all(unique), details.messages_by_id(unique)
    if unknown := [name for name in unique if name not in selected and name not in messages]:
        raise details.not_found("message or run", *unknown)
    for message in messages.values():
        _require_readable(message)
    targets = [ReplayTarget(run.id, run.job, run.status) for run in selected.values()]
    for message in messages.values():
        targets += _started_by(message)
    in_order = sorted(messages.values(), key=lambda message: message.summary.id)
    return _in_order(targets), [message.message for message in in_order]


def failed(job: str | None, since: datetime | None) -> list[ReplayTarget]:
    """Return the failed runs of one job or of all jobs, optionally since a time."""
    indexed = attention.query_all(Attention.FAILED, since.timestamp() if since else None)
    return _in_order(
        ReplayTarget(item["sk"], item["job"], RunStatus.FAILED)
        for item in indexed
        if job in (None, item["job"])
    )


def succeeded(job: str, since: datetime | None) -> list[ReplayTarget]:
    """Return the succeeded runs of a job, received since a time or in the retention period."""
    now = datetime.now(UTC)
    earliest = now - timedelta(days=int(aws.setting(Setting.RETENTION_DAYS)) + 1)
    period = Period(max(since or earliest, earliest), now + timedelta(minutes=1))
    return _in_order(
        ReplayTarget(run.id, run.job, run.status)
        for run in runs.newest_first(period, RunStatus.SUCCEEDED)
        if run.job == job
    )


def _require_readable(message: MessageDetails) -> None:
    if message.unreadable:
        raise NotReplayed(
            f"Message {message.summary.id} was not readable when it came: {message.unreadable}"
        )
    if message.missing:
        raise NotReplayed(f"Message {message.summary.id} cannot be replayed: {message.missing}")


def _started_by(message: MessageDetails) -> list[ReplayTarget]:
    return [
        ReplayTarget(run.id, run.job, run.status)
        for run in message.summary.runs
        if run.kind is Kind.MESSAGE and run.status.has_ended
    ]


def _in_order(targets: Iterable[ReplayTarget]) -> list[ReplayTarget]:
    # An id begins with the time its message was received, or its minute was due.
    unique = {target.id: target for target in targets}
    return sorted(unique.values(), key=lambda target: target.id)
