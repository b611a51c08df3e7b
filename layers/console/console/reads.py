"""All reads of the history, for the pages: lists in pages, activity by hour, one message or run.

A list reads newest first until its page is full or its time is up; then it says how far it got.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from console import site
from console.list_filters import MessageFilter, RunFilter
from openfn import ids
from openfn.errors import NotFound
from openfn.history import activity as received_activity
from openfn.history import details, pages, search
from openfn.history import messages as message_history
from openfn.history import runs as run_history
from openfn.history.details import MessageDetails, RunDetails
from openfn.history.hour_counts import HOUR
from openfn.history.messages import MessageSummary
from openfn.history.pages import Page, Summary
from openfn.history.queries import Period
from openfn.history.runs import RunSummary
from openfn.jobs import initial_state as initial_states
from openfn.jobs.state import State
from openfn.messages import bodies
from openfn.messages import store as message_store
from openfn.messages.store import Message
from openfn.project.triggers import with_query_params
from openfn.runs import store as run_store
from openfn.runs.model import RunStatus
from openfn.storage import attention
from openfn.storage.attention import Attention

PAGE = 50
_MAX_COUNTED = 5000
_HOURS, _LATEST_DAYS = 24, 7
_CLOCK_SKEW = timedelta(minutes=1)


@dataclass(slots=True)
class InboxActivity:
    """What an inbox received in the last day."""

    hours: list[int] = field(default_factory=lambda: [0] * _HOURS)
    """Messages by hour, the oldest hour first."""
    states: Counter[str] = field(default_factory=Counter)
    last: datetime | None = None

    @property
    def total(self) -> int:
        """All messages of the day."""
        return sum(self.hours)


@dataclass(frozen=True, slots=True)
class Activity:
    """What all inboxes received in the last day."""

    inboxes: dict[str, InboxActivity]
    more: bool
    """Whether there are more messages than were counted."""


def messages(selection: MessageFilter) -> Page[MessageSummary]:
    """Return a page of messages."""
    if selection.text:
        return _page(search.newest_first(selection.period, selection.text, selection.matches))
    summaries = message_history.newest_first(selection.period)
    return _page((message, selection.matches(message)) for message in summaries)


def runs(selection: RunFilter) -> Page[RunSummary]:
    """Return a page of runs."""
    status = RunStatus(selection.status) if selection.status else None
    pairs = run_history.search(selection.period, status, selection.inbox or None)
    return _page((run, matches and selection.matches(run)) for run, matches in pairs)


def all_runs(selection: RunFilter, limit: int) -> list[RunSummary]:
    """Return the runs of a whole list that have ended, at most the newest `limit`."""
    status = RunStatus(selection.status) if selection.status else None
    summaries = run_history.newest_first(selection.period, status, selection.inbox or None)
    ended = (run for run in summaries if run.status.has_ended and selection.matches(run))
    return list(islice(ended, limit))


def latest(limit: int) -> list[MessageSummary]:
    """Return the newest messages of the last days."""
    now = datetime.now(UTC)
    period = Period(now - timedelta(days=_LATEST_DAYS), now + timedelta(minutes=1))
    return list(islice(message_history.newest_first(period), limit))


def activity() -> Activity:
    """Return what each inbox received in the last day."""
    now = datetime.now(UTC)
    first = now.replace(minute=0, second=0, microsecond=0) - (_HOURS - 1) * HOUR
    received = received_activity.read(first, now + _CLOCK_SKEW, _MAX_COUNTED, _MAX_COUNTED)
    inboxes: dict[str, InboxActivity] = {}
    for counts in received.hours:
        # A clock that is ahead may be in the next hour.
        position = min((counts.hour - first) // HOUR, _HOURS - 1)
        for name, states in counts.messages.items():
            inbox = inboxes.setdefault(name, InboxActivity())
            inbox.hours[position] += states.total()
            inbox.states += states
            inbox.last = ids.received_at(counts.last[name])
    return Activity(inboxes, received.more)


def failed_by_job() -> Counter[str]:
    """Return the number of failed runs of each job."""
    return Counter(str(item["job"]) for item in attention.query_all(Attention.FAILED))


def waiting() -> int:
    """Return how many runs wait for their next attempt."""
    return sum(1 for _ in attention.query_all(Attention.WAITING))


def open_circuits() -> list[str]:
    """Return the credentials whose circuit is open."""
    items = attention.query_all(Attention.CIRCUIT)
    return sorted(item["pk"].partition("#")[2] for item in items)


def recent(limit: int) -> list[MessageDetails]:
    """Return the newest messages with their bodies."""
    return details.newest_messages(limit)


def messages_by_id(message_ids: Iterable[str]) -> dict[str, MessageDetails]:
    """Return messages with their bodies by id."""
    return details.messages_by_id(message_ids)


def stored_messages(message_ids: Iterable[str]) -> Iterator[Message]:
    """Yield messages with their bodies, without those whose body is gone."""
    for item in message_store.read_items(message_ids).values():
        with suppress(NotFound):
            yield message_store.from_item(item)


def message(message_id: str) -> MessageDetails:
    """Return a message; raise `NotFound` if there is none."""
    stored = details.message(message_id) if ids.is_message_id(message_id) else None
    if stored is None:
        raise details.not_found("message", message_id)
    return stored


def run(run_id: str) -> RunDetails:
    """Return a run; raise `NotFound` if there is none."""
    stored = details.run(run_id) if ids.is_run_id(run_id) else None
    if stored is None:
        raise details.not_found("run", run_id)
    return stored


def initial_state(run_id: str) -> State:
    """Return the state that a run began with; raise `NotFound` if it is gone."""
    return initial_states.load(run_store.load(run_id)).build()


def body_of(message: MessageDetails) -> object:
    """Return a body as triggers see it; raise `UnreadableBody` or `NotFound`."""
    if message.missing:
        raise NotFound(message.missing)
    return matchable_body(message.message)


def matchable_body(message: Message) -> object:
    """Return a body as triggers see it; raise `UnreadableBody`."""
    parsed = bodies.parse_exact(message.body, message.headers)
    return with_query_params(parsed, dict(message.query_params))


def _page(pairs: Iterable[tuple[Summary, bool]]) -> Page[Summary]:
    return pages.read(pairs, PAGE, site.current().search_seconds)
