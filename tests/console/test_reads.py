"""What a list reads: little of a large day, and all of it if it has to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import time_machine

from console import list_filters, reads
from openfn import ids
from openfn.history.queries import Period
from openfn.messages.store import Message, store_all
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import services

MESSAGES = 2000


@dataclass
class Counting:
    """Services that count the queries and the items that these return."""

    services: object
    queries: int = 0
    items: int = 0

    def call(self, service, operation, request):
        response = self.services.call(service, operation, request)
        if operation == "query":
            self.queries += 1
            self.items += len(response["Items"])
        return response

    def prepare(self, service):
        self.services.prepare(service)


def fill(now):
    """Store the messages of an hour, each with a run; return their ids."""
    stored = []
    with time_machine.travel(now - 3600, tick=False) as clock:
        for _ in range(MESSAGES // 100):
            batch = []
            for _ in range(100):
                batch.append(Message(ids.new_message_id(), "field-data", b"{}"))
                clock.shift(1)
            store_all([(message, None) for message in batch])
            plans = [Plan(message.id, "register-household", "kobo-household") for message in batch]
            runs.create(plans, "version")
            stored += [message.id for message in batch]
    return stored


def test_newest_messages_are_read_with_few_small_queries(stack, browser):
    # At noon, so that the hour lies in one day.
    noon = datetime.now(UTC).replace(hour=12, minute=0).timestamp()
    now = noon if noon < time.time() else noon - 86_400
    stored = fill(now)
    day = datetime.fromtimestamp(now, UTC)
    period = Period(day - timedelta(hours=6), day)
    counting = Counting(services.current())
    with services.use(counting):
        page = reads.messages(list_filters.MessageFilter(period))
    newest = sorted(stored, reverse=True)[:50]
    assert [row.id for row in page.rows] == newest
    assert counting.queries <= 16
    assert counting.items <= 400

    following = Period(period.since, period.until, page.next)
    assert reads.messages(list_filters.MessageFilter(following)).rows[0].id < newest[-1]
    with services.use(counting):
        rare = reads.messages(list_filters.MessageFilter(period, inbox="commcare"))
    assert rare.rows == []
    assert rare.next == ""
    assert counting.queries <= 16 * 5
