"""Match the newest messages of a stack with the project as it is edited now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from openfn.errors import UnreadableBody
from openfn.history import details
from openfn.history.details import MessageDetails
from openfn.history.messages import MessageState
from openfn.history.why_not import explain
from openfn.messages import bodies
from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger, with_query_params
from workbench.project.index_builder import build_index


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a message runs with the edited project, and what it ran on arrival."""

    message_id: str
    received: str
    inbox: str
    triggers: tuple[str, ...]
    jobs: tuple[str, ...]
    ran: tuple[str, ...]
    unreadable: str | None
    why: str = ""
    """Why the selected trigger does not match."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why each trigger that does not match does not, if no trigger matches."""

    @property
    def changes(self) -> bool:
        """Whether the message would run other jobs than it did."""
        return set(self.jobs) != set(self.ran)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self) | {"changes": self.changes}


def run(
    triggers: Sequence[MessageTrigger],
    jobs: Mapping[str, Sequence[str]],
    limit: int,
    trigger_name: str | None,
    state: MessageState | None = None,
) -> list[Backtest]:
    """Match the newest messages of the connected stack, or of those in a state, newest first.

    `jobs` has the names of each trigger's jobs. With `trigger_name`, the results say why this
    trigger does not match.
    """
    prepared = trigger_index.load(build_index(triggers))
    selected = next((trigger for trigger in triggers if trigger.name == trigger_name), None)
    return [
        _backtest(message, triggers, prepared, jobs, selected)
        for message in details.newest_messages(limit, state=state)
    ]


def _backtest(
    stored: MessageDetails,
    triggers: Sequence[MessageTrigger],
    prepared: trigger_index.Index,
    jobs: Mapping[str, Sequence[str]],
    selected: MessageTrigger | None,
) -> Backtest:
    message, matching, why = stored.message, list[str](), ""
    reasons: dict[str, str] = {}
    try:
        parsed = bodies.parse_exact(message.body, message.headers)
    except UnreadableBody:
        pass  # `unreadable` says why
    else:
        body = with_query_params(parsed, dict(message.query_params))
        matching = [triggers[n].name for n in prepared.matching(message.inbox, body)]
        why = explain(selected, message.inbox, body).why if selected else ""
        if not matching:
            reasons = {t.name: explain(t, message.inbox, body).why for t in triggers}
    return Backtest(
        message_id=message.id,
        received=f"{stored.summary.received:%Y-%m-%d %H:%M:%S}",
        inbox=message.inbox,
        triggers=tuple(matching),
        jobs=tuple(sorted({job for name in matching for job in jobs[name]})),
        ran=stored.started_jobs,
        unreadable=stored.problem,
        why=why,
        reasons=reasons,
    )
