"""Messages and runs as people read them, from the table they are kept in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Any

from openfn import ids
from openfn.errors import NotFound
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project.triggers import Kind
from openfn.storage import aws, blobs, table
from openfn.storage.aws import Setting
from openfn.storage.item_type import ItemType, item_type


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that is kept of a run."""

    id: str
    job: str
    trigger: str
    kind: str
    status: str
    attempt: int
    duration_ms: int | None
    log: str
    final: dict[str, Any] | None
    error: dict[str, Any] | None
    project_version: str
    next: str | None
    """When its next attempt is due, while it waits for one."""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An earlier attempt at a run, and how it ended: `failed`, `succeeded` or `crashed`."""

    attempt: int
    status: str
    started: str
    finished: str
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A kept message and what became of it."""

    message: Message
    unreadable: str | None
    ran: tuple[str, ...]
    """The jobs that its own content started."""
    unmatched: bool
    """Whether no trigger matched it when it came."""


def run(run_id: str) -> RunRecord | None:
    """Read a run; `None` when there is none by that id."""
    items = table.get([ids.key_of(run_id)])
    return _run(items[0]) if items and item_type(items[0]) is ItemType.RUN else None


def attempts(run_id: str) -> list[AttemptRecord]:
    """Read the attempts of a run that have a record beside it: all but the last, first to last."""
    key = {"pk": ids.key_of(run_id)["pk"], "sk": f"{run_id}#"}
    return [_attempt(item) for item in query("pk = :pk AND begins_with(sk, :sk)", key)]


def runs_of(origin: str) -> list[dict[str, Any]]:
    """Read the items of all runs that go back to a message, or to a minute of the clock."""
    key = {"pk": ids.key_of(origin)["pk"], "sk": f"{origin}#"}
    found = query("pk = :pk AND begins_with(sk, :sk)", key)
    return [item for item in found if item_type(item) is ItemType.RUN]


def query(condition: str, values: Mapping[str, Any], **request: Any) -> Iterator[dict[str, Any]]:
    """Read all that a condition on the table's keys, or on an index's, finds, page by page."""
    pages = aws.client("dynamodb").get_paginator("query")
    for page in pages.paginate(
        TableName=aws.setting(Setting.TABLE_NAME),
        KeyConditionExpression=condition,
        ExpressionAttributeValues=aws.to_dynamodb(
            {f":{name}": each for name, each in values.items()}
        ),
        **request,
    ):
        yield from (aws.from_dynamodb(item) for item in page["Items"])


def newest(limit: int, days: int | None = None) -> list[MessageRecord]:
    """Read the newest kept messages, the newest first, of so many days or of all that are kept."""
    found: list[list[dict[str, Any]]] = []
    today = datetime.now(UTC)
    with ThreadPoolExecutor(len(ids.SHARDS)) as pool:
        for before in range(days or int(aws.setting(Setting.RETENTION_DAYS)) + 1):
            day = f"{today - timedelta(days=before):%Y-%m-%d}"
            shards = pool.map(
                lambda shard, day=day: _newest_of(f"{day}#{shard}", limit), ids.SHARDS
            )
            found += sorted((each for shard in shards for each in shard), key=_id, reverse=True)
            if len(found) >= limit:
                break
    return [_message(items) for items in found[:limit]]


def _newest_of(partition: str, limit: int) -> list[list[dict[str, Any]]]:
    families = (list(each) for _, each in groupby(_descending(partition), lambda i: i["sk"][:36]))
    # A minute of the clock has runs as well, and no message.
    return list(
        islice((each for each in families if item_type(each[-1]) is ItemType.MESSAGE), limit)
    )


def _descending(partition: str) -> Iterator[dict[str, Any]]:
    return query("pk = :pk", {"pk": partition}, ScanIndexForward=False)


def _id(items: list[dict[str, Any]]) -> str:
    return str(items[-1]["sk"])


def _message(items: list[dict[str, Any]]) -> MessageRecord:
    *others, item = items
    unreadable = item.get("unreadable")
    try:
        message = messages.from_item(item)
    except NotFound as gone:
        message, unreadable = Message(item["sk"], item["inbox"], b""), str(gone)
    return MessageRecord(
        message=message,
        unreadable=unreadable,
        ran=tuple(sorted(each["job"] for each in others if each.get("kind") == Kind.MESSAGE)),
        unmatched=any(each["status"] == messages.UNMATCHED for each in others),
    )


def _attempt(item: Mapping[str, Any]) -> AttemptRecord:
    return AttemptRecord(
        attempt=int(item["attempt"]),
        status=item["status"],
        started=item["started"],
        finished=item["finished"],
        error=json.loads(item["error"]) if "error" in item else None,
    )


def _run(item: Mapping[str, Any]) -> RunRecord:
    kept = dict(item)
    duration = kept.get("duration_ms")
    return RunRecord(
        id=kept["sk"],
        job=kept["job"],
        trigger=kept["trigger"],
        kind=kept["kind"],
        status=kept["status"],
        attempt=int(kept["attempt"]),
        duration_ms=None if duration is None else int(duration),
        log=blobs.read("log", kept).decode() if blobs.has("log", kept) else "",
        final=json.loads(blobs.read("final", kept)) if blobs.has("final", kept) else None,
        error=json.loads(kept["error"]) if "error" in kept else None,
        project_version=kept["project_version"],
        next=table.timestamp(int(kept["due"])) if "due" in kept else None,
    )
