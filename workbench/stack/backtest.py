"""The newest kept messages against the project as it is edited now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from openfn import ids
from openfn.errors import UnreadableBody
from openfn.history import details
from openfn.history.details import MessageRecord
from openfn.history.why_not import explain
from openfn.messages import bodies
from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger, with_query_params
from workbench.project.index_builder import build_index


@dataclass(frozen=True, slots=True)
class Rematch:
    """What a kept message runs by the project as edited, and what it ran when it came."""

    message_id: str
    received: str
    inbox: str
    triggers: tuple[str, ...]
    jobs: tuple[str, ...]
    ran: tuple[str, ...]
    unreadable: str | None
    why: str = ""
    """Why the one trigger that was asked for does not match."""

    @property
    def changes(self) -> bool:
        """Whether it would run other jobs than it did."""
        return set(self.jobs) != set(self.ran)

    def as_dict(self) -> dict[str, Any]:
        """Give the rematch for a machine."""
        return asdict(self) | {"changes": self.changes}


def rematch(
    triggers: Sequence[MessageTrigger], jobs: dict[str, list[str]], limit: int, only: str | None
) -> list[Rematch]:
    """Match the newest kept messages of the connected stack, the newest first."""
    prepared = trigger_index.load(build_index(triggers))
    chosen = next((each for each in triggers if each.name == only), None)
    return [_rematch(record, triggers, prepared, jobs, chosen) for record in details.newest(limit)]


def _rematch(
    record: MessageRecord,
    triggers: Sequence[MessageTrigger],
    prepared: trigger_index.Index,
    jobs: dict[str, list[str]],
    chosen: MessageTrigger | None,
) -> Rematch:
    message, matching, why = record.message, [], ""
    try:
        parsed = bodies.parse_exact(message.body, message.headers)
    except UnreadableBody:
        pass  # the record says so
    else:
        body = with_query_params(parsed, dict(message.query_params))
        matching = [triggers[each].name for each in prepared.matching(message.inbox, body)]
        why = explain(chosen, message.inbox, body).why if chosen else ""
    return Rematch(
        message_id=message.id,
        received=f"{ids.received_at(message.id):%Y-%m-%d %H:%M:%S}",
        inbox=message.inbox,
        triggers=tuple(matching),
        jobs=tuple(sorted(job for name in matching for job in jobs[name])),
        ran=record.ran,
        unreadable=record.unreadable,
        why=why,
    )
