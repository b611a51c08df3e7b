"""The first page: whether data flows, and what needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.event_handler import Response

from console import project_names, reads, site
from console.reads import InboxActivity
from console.responses import page
from console.routing import create_router
from openfn.history.messages import MessageState
from openfn.project import compiled
from openfn.project.triggers import CronTrigger
from openfn.storage import monitoring

router = create_router()
_WIDTH, _HEIGHT = 144, 26
_LATEST = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a sparkline."""

    x: float
    y: float
    height: float
    hour: datetime
    count: int


@router.get("/")
def show_health() -> Response[str]:
    """Show whether data flows, and what needs attention first."""
    stack, activity = site.current().stack, reads.activity()
    inboxes = {name: InboxActivity() for name in project_names.inbox_names()} | activity.inboxes
    latest = reads.latest(_LATEST)
    depths = monitoring.queue_depths(stack)
    return page(
        "health.html",
        inboxes=inboxes,
        more=activity.more,
        bars={name: sparkline(inbox.hours) for name, inbox in inboxes.items()},
        last=max((inbox.last for inbox in inboxes.values() if inbox.last), default=None),
        unmatched=sum(inbox.states[MessageState.UNMATCHED] for inbox in inboxes.values()),
        unreadable=sum(inbox.states[MessageState.UNREADABLE] for inbox in inboxes.values()),
        failed=reads.failed_by_job(),
        waiting=reads.waiting(),
        circuits=reads.open_circuits(),
        queued=depths["MatchQueue"].waiting + depths["RunQueue"].waiting,
        dead=depths["MatchDeadLetters"].waiting + depths["RunDeadLetters"].waiting,
        alarms=monitoring.alarms(stack),
        scheduled=_scheduled(),
        latest=latest,
        nearest=project_names.nearest_triggers(latest),
        urls=site.current().inbox_urls(),
    )


def _scheduled() -> list[tuple[CronTrigger, str]]:
    project = compiled.current()
    return [
        (trigger, job.name)
        for trigger in project.cron_triggers
        for job in project.jobs_by_trigger[trigger.name]
    ]


def sparkline(hours: Sequence[int]) -> list[Bar]:
    """Return a bar for each hour, the last one for the current hour."""
    highest, step = max([*hours, 1]), _WIDTH / len(hours)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    bars = []
    for number, count in enumerate(hours):
        height = max(1.0, round(count / highest * _HEIGHT, 1))
        hour = now - timedelta(hours=len(hours) - 1 - number)
        bars.append(Bar(round(number * step, 1), _HEIGHT - height, height, hour, count))
    return bars
