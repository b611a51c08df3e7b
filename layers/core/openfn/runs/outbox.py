"""Messages that a run hands to inboxes of its own stack.

They are recorded with the run's success, in the same write, with the ids they will have; then they
are kept and queued, again whenever the run is delivered again. So a run that succeeded has emitted
each once, and a run that failed nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from openfn import ids
from openfn.errors import NotQueued, ProjectError, UnreadableBody
from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.project import inboxes
from openfn.runs.model import Run, RunStatus
from openfn.storage import blobs, table

_DEEPEST = 5
_HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Emission:
    """A message that will be: its id, its inbox and its body, a JSON text."""

    id: str
    inbox: str
    body: str


def accept(run: Run, inbox: str, body: str) -> Emission:
    """Give the message a run emits; `ProjectError` says why it may not."""
    check(inbox, body, list(dict.fromkeys(e.name for e in project.current().inboxes.values())))
    if run.plan.depth >= _DEEPEST:
        raise ProjectError(
            f"these jobs emit in a circle: {_DEEPEST} runs led to this message, each on what "
            "the one before emitted; let the trigger tell what this job emits from what it takes"
        )
    return Emission(ids.new_message_id(), inbox, body)


def check(inbox: str, body: str, inboxes_there: Sequence[str]) -> None:
    """Raise `ProjectError` when there is no such inbox, or no trigger could read the body."""
    if inbox not in inboxes_there:
        there = ", ".join(inboxes_there) or "none yet"
        raise ProjectError(f"the project has no inbox {inbox!r} to emit to; it has {there}")
    try:
        bodies.parse_exact(body.encode(), _HEADERS)
    except UnreadableBody as error:
        raise ProjectError(f"no trigger could read what is emitted: {error}") from None


def kept(emissions: Sequence[Emission]) -> bytes | None:
    """Give what a run emits as it is kept with its outcome; `None` for nothing."""
    return json.dumps([astuple(each) for each in emissions]).encode() if emissions else None


def taken(run: Run) -> list[Emission]:
    """Give what a run's attempts have emitted until now."""
    if not blobs.has("emitted", run.kept):
        return []
    return [Emission(*each) for each in json.loads(blobs.read("emitted", run.kept))]


def send(run: Run, at_once: int = 500) -> int:
    """Keep and queue what a run has emitted, each once; give how many messages there are.

    Raises `NotQueued` when the queue does not take them all.
    """
    if run.status != RunStatus.SUCCEEDED or not (emissions := taken(run)):
        return 0
    # As far as another delivery of the run has come, lest a long list never come to its end.
    for start in range(int(run.kept.get("handed", 0)), len(emissions), at_once):
        _send(run, emissions[start : start + at_once])
        if start + at_once < len(emissions):
            handed = {"handed": start + at_once}
            table.update(ids.key_of(run.id), handed, "attribute_exists(pk)")
    return len(emissions)


def _send(run: Run, emissions: Sequence[Emission]) -> None:
    kept_ids = messages.keep_all([_message(run, each) for each in emissions])
    groups = [project.current().group_of(each.inbox) for each in emissions]
    queued = list(zip(kept_ids, groups, strict=True))
    if refused := messages.queue_all(queued):
        raise NotQueued(f"the match queue did not take {len(refused)} messages of {run.id}")


def _message(run: Run, emission: Emission) -> tuple[Message, str | None]:
    message = Message(
        id=emission.id,
        inbox=emission.inbox,
        body=emission.body.encode(),
        method="EMIT",
        headers=_HEADERS,
        emitted_by=run.id,
        depth=run.plan.depth + 1,
    )
    inbox = project.current().inbox_named(emission.inbox)
    if inbox is None or not inbox.dedupe:
        return message, None
    return message, inboxes.once_key(inbox, bodies.parse_exact(message.body, _HEADERS))
