"""All reads of the history, for the pages: lists in pages, activity by hour, one message or run.

A list reads newest first until its page is full or its time is up; then it says how far it got.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Generic, TypeVar

from console import site
from console.list_filters import MessageFilter, RunFilter
from openfn import ids
from openfn.errors import NotFound
from openfn.history import details
from openfn.history import messages as message_history
from openfn.history import runs as run_history
from openfn.history.details import MessageDetails, RunDetails
from openfn.history.messages import MessageSummary
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
_SEARCH_BATCH = 50
_HOURS, _LATEST_DAYS = 24, 7
Summary = TypeVar("Summary", MessageSummary, RunSummary)


@dataclass(frozen=True, slots=True)
class Page(Generic[Summary]):
    """A page of a list, newest first."""

    rows: Sequence[Summary]
    next: str
    """The id behind which the next page begins; empty at the end of the list."""
    searched: datetime | None
    """How far back was read, if the time was up before the page was full."""


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
    summaries = message_history.newest_first(selection.period)
    if selection.text:
        return _page(_search(summaries, selection))
    return _page((message, selection.matches(message)) for message in summaries)


def runs(selection: RunFilter) -> Page[RunSummary]:
    """Return a page of runs."""
    status = RunStatus(selection.status) if selection.status else None
    summaries = run_history.newest_first(selection.period, status, selection.inbox or None)
    return _page((run, selection.matches(run)) for run in summaries)


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
    period = Period(now - timedelta(hours=_HOURS), now + timedelta(minutes=1))
    inboxes: dict[str, InboxActivity] = {}
    counted = 0
    for message in islice(message_history.newest_first(period), _MAX_COUNTED):
        counted += 1
        inbox = inboxes.setdefault(message.inbox, InboxActivity())
        hour = int((now - message.received).total_seconds() // 3600)
        inbox.hours[_HOURS - 1 - min(max(hour, 0), _HOURS - 1)] += 1
        inbox.states[message.state] += 1
        inbox.last = inbox.last or message.received
    return Activity(inboxes, counted == _MAX_COUNTED)


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


def _page(summaries: Iterable[tuple[Summary, bool]]) -> Page[Summary]:
    deadline, rows = time.monotonic() + site.current().search_seconds, list[Summary]()
    for summary, matches in summaries:
        if matches:
            if len(rows) == PAGE:
                return Page(rows, rows[-1].id, None)
            rows.append(summary)
        if time.monotonic() > deadline:
            return Page(rows, summary.id, summary.received)
    return Page(rows, "", None)


def _search(
    summaries: Iterator[MessageSummary], selection: MessageFilter
) -> Iterator[tuple[MessageSummary, bool]]:
    text = selection.text.lower()
    while batch := list(islice(summaries, _SEARCH_BATCH)):
        candidates = [message.id for message in batch if selection.matches(message)]
        read = details.messages_by_id(candidates)
        for message in batch:
            stored = read.get(message.id)
            yield message, stored is not None and text in _searchable(stored)


def _searchable(stored: MessageDetails) -> str:
    body = stored.message.body.decode("utf-8", "replace")
    return f"{stored.summary.id} {body}".lower()
