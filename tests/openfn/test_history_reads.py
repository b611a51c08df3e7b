"""How much of the table the lists of the history read: calls, rounds of calls, items and bytes."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest

from openfn import ids
from openfn.history import messages, pages, runs, search
from openfn.history.queries import Period
from openfn.messages.store import Message, store_all
from openfn.runs.model import RunStatus
from openfn.storage import attention, partitions, services, table
from openfn.storage.attention import Attention
from tests.conftest import ROOT
from workbench.local.stack import create_in_memory, create_stack

DAY = datetime(2026, 3, 9, tzinfo=UTC)
NIGHT = DAY + timedelta(hours=23, minutes=59)
MESSAGES = 10_000
# The sizes of the example project's items.
MESSAGE_BYTES, RUN_BYTES = 742, 1169
RUN = {"job": "deliver", "trigger": "all", "kind": "message", "status": "succeeded", "attempt": 1}
SHARDS = len(ids.SHARDS)


class Counting:
    """Services that count queries, and the items and bytes that these read."""

    def __init__(self):
        self.services = services.current()
        self.queries = self.items = self.bytes = 0
        self.lock = threading.Lock()

    def call(self, service, operation, request):
        response = self.services.call(service, operation, request)
        if operation == "batch_get_item":
            return response
        with self.lock:
            self.queries += 1
            sizes = [
                RUN_BYTES if "#" in item["sk"]["S"] else MESSAGE_BYTES for item in _items(response)
            ]
            self.items, self.bytes = self.items + len(sizes), self.bytes + sum(sizes)
        return response

    def prepare(self, service):
        self.services.prepare(service)


class Rounds(Counting):
    """Services whose calls wait until all calls that are made side by side have begun."""

    def __init__(self):
        super().__init__()
        self.rounds = 0
        self.first = threading.Barrier(SHARDS, self.count, timeout=20)
        self.others = threading.Barrier(partitions.MAX_CALLS, self.count, timeout=20)
        self.begun = Counter()

    def count(self):
        self.rounds += 1

    def call(self, service, operation, request):
        with self.lock:
            self.begun["calls"] += 1
            barrier = self.first if self.begun["calls"] <= SHARDS else self.others
        barrier.wait()
        return super().call(service, operation, request)


def _items(response):
    return response["Items"]


def message_id(random, received):
    milliseconds = f"{int(received.timestamp() * 1000):012x}"
    digits = f"{random.getrandbits(76):019x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7{digits[:3]}-8{digits[3:6]}-{digits[6:18]}"


def store(random, times, inbox="field-data"):
    """Store messages with a run; return their ids."""
    names = [message_id(random, received) for received in times]
    groups = [
        [
            {**ids.key_of(name), "inbox": inbox, "body": b"{}", "expires": 2**31},
            {**ids.key_of(f"{name}#deliver"), **RUN, "expires": 2**31},
        ]
        for name in names
    ]
    table.put_groups(groups)
    return names


@pytest.fixture(scope="module")
def large_day():
    """The ids of the messages of a large day, the newest first."""
    random = Random(19)
    with create_stack(ROOT / "project", lambda *_: None, create_resources=create_in_memory):
        times = [DAY + timedelta(seconds=random.random() * 86_000) for _ in range(MESSAGES)]
        yield sorted(store(random, times), reverse=True)


def newest(period, count=50):
    return [message.id for message in islice(messages.newest_first(period), count)]


def test_newest_messages_of_a_large_day_need_one_query_for_each_shard(large_day):
    counting = Counting()
    with services.use(counting):
        assert newest(Period(DAY - timedelta(days=90), NIGHT)) == large_day[:50]
    assert counting.queries <= SHARDS
    assert counting.items <= 400
    assert counting.bytes < 1_000_000


def test_later_page_of_a_large_day_needs_as_few_queries(large_day):
    counting, before = Counting(), large_day[4999]
    with services.use(counting):
        page = newest(Period(DAY - timedelta(days=90), NIGHT, before))
    assert page == large_day[5000:5050]
    assert counting.queries <= SHARDS
    assert counting.bytes < 1_000_000


def test_page_after_the_last_message_of_a_day_begins_with_the_day_before(large_day):
    counting = Counting()
    period = Period(DAY - timedelta(days=1), NIGHT + timedelta(days=30), large_day[-1])
    with services.use(counting):
        assert newest(period) == []
    assert counting.queries == 2 * SHARDS


def test_whole_large_day_is_read_once_and_in_order(large_day):
    counting = Counting()
    with services.use(counting):
        assert newest(Period(DAY, NIGHT), MESSAGES + 1) == large_day
    assert counting.items == 2 * MESSAGES
    assert counting.queries <= 5 * SHARDS


def test_quiet_days_are_read_side_by_side(stack):
    random, days = Random(20), 90
    (oldest,) = store(random, [NIGHT - timedelta(days=days)])
    (middle,) = store(random, [NIGHT - timedelta(days=40)])
    rounds = Rounds()
    with services.use(rounds):
        assert newest(Period(NIGHT - timedelta(days=days, minutes=1), NIGHT)) == [middle, oldest]
    assert rounds.queries == (days + 1) * SHARDS
    # Of 150 ms each: seven seconds instead of more than three minutes.
    assert rounds.rounds == 1 + days * SHARDS // partitions.MAX_CALLS


def searched(period, text, size=50, seconds=60.0):
    return pages.read(search.newest_first(period, text, lambda _: True), size, seconds)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"name": "Aminata"}', "aMINata"),
        ('{"name": "Zoé"}'.encode(), "ZOÉ"),
        (json.dumps({"name": "Zoé \N{BABY}"}).encode(), "É \N{BABY}"),
        (gzip.compress(b"<name>Aminata</name>"), "aminata"),
        (b"Aminata \xff", "aminata"),
    ],
    ids=["ASCII", "UTF-8", "JSON escapes", "gzip", "not text"],
)
def test_bodies_are_searched_for_their_characters(stack, body, text):
    names = [ids.new_message_id(), ids.new_message_id()]
    store_all([(Message(names[0], "a", body), None), (Message(names[1], "a", b"{}"), None)])
    now = datetime.now(UTC)
    period = Period(now - timedelta(hours=1), now + timedelta(hours=1))
    assert [row.id for row in searched(period, text).rows] == names[:1]
    assert [row.id for row in searched(period, names[1][-12:]).rows] == names[1:]


def test_search_without_time_continues_behind_the_last_message_that_it_read(large_day):
    period, visited = Period(DAY, NIGHT), []
    for _ in range(3):
        page = searched(period, large_day[2], seconds=-1)
        visited.append(page.next)
        assert page.searched == ids.received_at(page.next)
        period = Period(DAY, NIGHT, page.next)
    assert visited == large_day[:3]
    assert [row.id for row in page.rows] == [large_day[2]]


def test_search_of_a_large_day_makes_no_more_calls_than_its_list(large_day):
    counting = Counting()
    with services.use(counting):
        page = searched(Period(DAY, NIGHT), "no body has this")
    assert (page.rows, page.next, page.searched) == ([], "", None)
    assert counting.queries <= 5 * SHARDS


def test_waiting_runs_are_read_from_the_index(stack):
    random = Random(21)
    names = store(random, [NIGHT - timedelta(days=days) for days in range(0, 80, 20)])
    credential, waiting = "registry", {"status": "waiting", "due": 0}
    table.update(
        {"pk": f"credential#{credential}", "sk": "circuit"}, attention.mark(Attention.CIRCUIT, 1.0)
    )
    for name, kind in zip(
        names,
        (
            *(Attention.WAITING, Attention.RUN_UNQUEUED),
            *(attention.behind_circuit(credential), Attention.FAILED),
        ),
        strict=True,
    ):
        table.update(ids.key_of(f"{name}#deliver"), waiting | attention.mark(kind, 1.0))
    counting = Counting()
    period = Period(NIGHT - timedelta(days=90), NIGHT + timedelta(minutes=1))
    with services.use(counting):
        listed = [run.id for run in runs.newest_first(period, RunStatus.WAITING)]
    assert listed == [f"{name}#deliver" for name in names[:3]]
    assert counting.queries <= 6


def test_runs_that_do_not_match_use_up_the_time_of_a_page(large_day):
    pairs = runs.search(Period(DAY, NIGHT), RunStatus.RUNNING)
    page = pages.read(pairs, 50, -1)
    assert page.rows == []
    assert page.next == f"{large_day[0]}#deliver"
