"""Messages that a run emits to inboxes of its own stack.

They are recorded with the run's success, in the same write, and have their ids from then on.
Afterwards they are stored and queued, again at every delivery of the run. So a run that succeeded
has emitted each message once, and a run that failed has emitted nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from openfn import ids
from openfn.errors import NotQueued
from openfn.messages import bodies, emission
from openfn.messages import store as messages
from openfn.messages.emission import HEADERS
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.project import inboxes
from openfn.runs.model import Run, RunStatus
from openfn.storage import table


@dataclass(frozen=True, slots=True)
class Emission:
    """A message to publish: its id, its inbox, and its body as JSON text."""

    id: str
    inbox: str
    body: str


def create_emission(inbox: str, body: str) -> Emission:
    """Return a message to an inbox with a new id; raise `ProjectError` for an unknown inbox."""
    emission.require_inbox(inbox, inbox_names())
    return Emission(ids.new_message_id(), inbox, body)


def inbox_names() -> tuple[str, ...]:
    """Return the names of the inboxes to which a job may emit."""
    return tuple(dict.fromkeys(inbox.name for inbox in project.current().inboxes.values()))


def to_json(emissions: Sequence[Emission]) -> bytes | None:
    """Return the messages as they are stored with the outcome; `None` for none."""
    return json.dumps([astuple(emission) for emission in emissions]).encode() if emissions else None


def load(run: Run) -> list[Emission]:
    """Load the messages that a run's attempts have emitted so far."""
    if not run.has("emitted"):
        return []
    return [Emission(*fields) for fields in json.loads(run.read("emitted"))]


def publish(run: Run, batch_size: int = 500) -> int:
    """Store and queue the emitted messages of a successful run, each once; return their number.

    Raises `NotQueued` when the queue refuses a message.
    """
    if run.status is not RunStatus.SUCCEEDED or not (emissions := load(run)):
        return 0
    # Begin where an earlier delivery stopped: a long list would never reach its end otherwise.
    for start in range(run.published, len(emissions), batch_size):
        _publish_batch(run, emissions[start : start + batch_size])
        if start + batch_size < len(emissions):
            changes = {"handed": start + batch_size}
            table.update(ids.key_of(run.id), changes, "attribute_exists(pk)")
    return len(emissions)


def _publish_batch(run: Run, emissions: Sequence[Emission]) -> None:
    groups = [project.current().group_of(emission.inbox) for emission in emissions]
    ordered = {group for group in groups if group is not None}
    pairs = [_message(run, emission) for emission in emissions]
    message_ids = messages.store_all(pairs, ordered)
    if refused := messages.queue_all(list(zip(message_ids, groups, strict=True))):
        raise NotQueued(f"The match queue refused {len(refused)} messages of the run {run.id}.")


def _message(run: Run, emission: Emission) -> tuple[Message, str | None]:
    """Return an emitted message and its deduplication key, if the inbox has one."""
    message = Message(
        id=emission.id,
        inbox=emission.inbox,
        body=emission.body.encode(),
        method="EMIT",
        headers=HEADERS,
        emitted_by=run.id,
        depth=run.plan.depth + 1,
    )
    inbox = project.current().inbox_by_name(emission.inbox)
    if inbox is None or not inbox.dedupe:
        return message, None
    return message, inboxes.dedupe_key(inbox, bodies.parse_exact(message.body, HEADERS))
