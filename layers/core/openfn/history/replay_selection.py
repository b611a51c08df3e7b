"""Which runs are to be replayed: named one by one, or all of a job that ended so since then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from openfn import ids
from openfn.errors import NotFound, NotReplayed
from openfn.history import details
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project.triggers import Kind
from openfn.runs import store as runs
from openfn.runs.model import RunStatus
from openfn.storage import attention, aws
from openfn.storage.attention import Attention
from openfn.storage.aws import Setting


@dataclass(frozen=True, slots=True)
class Selected:
    """A run that is to be replayed, and how it stood when it was selected."""

    id: str
    job: str
    status: str


def named(given: Sequence[str]) -> tuple[list[Selected], list[Message]]:
    """Give the runs of these ids with the ended ones that the messages among them have started.

    Raises `NotReplayed`, which names them, when some of the ids are of no message and no run.
    """
    found = runs.load_all(dict.fromkeys(given))
    kept = messages.read_items(dict.fromkeys(given))
    if unknown := [each for each in given if each not in found and each not in kept]:
        raise NotFound(f"there is no message and no run {', '.join(unknown)} (any more)")
    read = [_readable(item) for item in kept.values()]
    selected = [Selected(run.id, run.job, run.status) for run in found.values()]
    for message in read:
        selected += _started(message.id)
    return _in_order(selected), sorted(read, key=lambda message: message.id)


def failed(job: str | None, since: datetime | None) -> list[Selected]:
    """Give the runs that have failed, of one job or of any, since then or ever."""
    found = attention.query_all(Attention.FAILED, since.timestamp() if since else None)
    return _in_order(
        Selected(item["sk"], item["job"], RunStatus.FAILED)
        for item in found
        if job in (None, item["job"])
    )


def succeeded(job: str, since: datetime | None) -> list[Selected]:
    """Give the runs of a job that have succeeded, on what was received since then or ever."""
    now = datetime.now(UTC)
    longest = timedelta(days=int(aws.setting(Setting.RETENTION_DAYS)) + 1)
    begin = max(since or now - longest, now - longest)
    days = ((begin.date() + timedelta(days=day)) for day in range((now - begin).days + 2))
    partitions = [f"{day}#{shard}" for day in days for shard in ids.SHARDS]
    return _in_order(
        Selected(item["sk"], item["job"], RunStatus.SUCCEEDED)
        for partition in partitions
        for item in _succeeded(partition, job, begin)
    )


def _succeeded(partition: str, job: str, since: datetime) -> Iterator[dict[str, str]]:
    values = {
        "pk": partition,
        "begin": ids.minute_id(since),
        "job": job,
        "status": RunStatus.SUCCEEDED,
    }
    return details.query(
        "pk = :pk AND sk >= :begin",
        values,
        FilterExpression="#job = :job AND #status = :status",
        ProjectionExpression="sk, #job",
        ExpressionAttributeNames={"#job": "job", "#status": "status"},
    )


def _started(message_id: str) -> list[Selected]:
    return [
        Selected(item["sk"], item["job"], item["status"])
        for item in details.runs_of(message_id)
        if item["kind"] == Kind.MESSAGE
        and item["status"] in (RunStatus.FAILED, RunStatus.SUCCEEDED)
    ]


def _readable(item: dict[str, str]) -> Message:
    if "unreadable" in item:
        raise NotReplayed(f"the message {item['sk']} could not be read: {item['unreadable']}")
    try:
        return messages.from_item(item)
    except NotFound as gone:
        raise NotReplayed(f"it cannot be replayed: {gone}") from None


def _in_order(selected: Iterator[Selected] | Sequence[Selected]) -> list[Selected]:
    # An id begins with the time its message was received, or its minute was due.
    return sorted({each.id: each for each in selected}.values(), key=lambda each: each.id)
