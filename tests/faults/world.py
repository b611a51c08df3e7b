"""The world around a stack: a source that sends again, queues, a clock, and a destination.

Time is the process's own, moved on with time-machine, so that leases, visibility time-outs and
whatever else waits for a time ends as it would.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import time_machine

from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.runs import circuit_breaker
from openfn.storage import aws, secrets
from tests.conftest import Lines, post, tick
from tests.faults import organization, queues
from tests.faults.network import Died, Network
from workbench.local import destination, event_source, stack

FINAL = ("succeeded", "failed")
START = datetime(2026, 3, 9, 9, 1, tzinfo=UTC)
_ROUNDS = 40


class Crashed(Exception):
    """A function gave no answer."""


class World:
    """What happens to a stack, and what must hold when it has come to rest."""

    def __init__(self, made, logged, sink, network, clock):
        self.made, self.logged, self.sink = made, logged, sink
        self.network, self._clock = network, clock
        self.resources, self.inbox_ids = made.resources, made.inbox_ids
        self._dynamodb = boto3.client("dynamodb")
        self._moves = False
        self.begin()

    def begin(self):
        """Forget all that was, and let the clock be a day further."""
        self.accepted: list[tuple[str, dict, str]] = []
        self.due: set[str] = set()
        self.history = []
        self._ended = {}
        del self.logged[:], self.sink.received[:]
        self._clear()
        if self._moves:
            queues.purge(self.resources.physical_ids)
        self._moves = True
        secrets.clear_cache()
        circuit_breaker.clear_cache()
        self._clock.shift(timedelta(days=1))
        at = datetime.now(UTC).replace(hour=9, minute=1, second=5, microsecond=0)
        self._clock.move_to(at)
        self.network.expect()
        self._handled = at

    def passes(self, seconds):
        """Let time pass."""
        self._clock.shift(timedelta(seconds=seconds))

    def invoke(self, function, event, *, again=True):
        """Run a function; raise `Crashed` when its process dies."""
        repeat = (lambda: self._again(function, event)) if again and "Records" in event else None
        self.history.append((function, event))
        try:
            with self.network.process(repeat, counted=again):
                return self.made.invoke(function, event)
        except Died:
            raise Crashed(function) from None

    def send(self, inbox, record, tries=5):
        """Post as a source does: again after 5xx or no answer, until it is told 200."""
        for _ in range(tries):
            try:
                answer = post(self, json.dumps(record), inbox=inbox)
            except Crashed:
                continue
            if answer["statusCode"] == 200:
                message_id = answer["headers"]["X-Message-Id"]
                self.accepted.append((inbox, record, message_id))
                kept = messages.read([message_id])
                assert json.loads(kept[message_id].body)["id"] == record["id"], "told 200, not kept"
                return
            assert answer["statusCode"] == 503, answer
        raise AssertionError("a message was refused again and again")

    def tick(self):
        """Let the clock's tick of this minute come; what it raises is the next one's business."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        minute = self._handled.replace(second=0) + timedelta(minutes=1)
        while minute <= now:
            if minute.minute == 0:
                self.due.add(f"{minute:%Y-%m-%dT%H:%M:%SZ}")
            minute += timedelta(minutes=1)
        self._handled = max(self._handled, now)
        try:
            tick(self, f"{now:%Y-%m-%dT%H:%M:%SZ}")
        except Exception:
            return

    def poll(self, function, *, turned=False, kept=False):
        """Take one batch through a function; give the number of its records.

        It may come turned round, and be kept on the queue because the poller dies afterwards.
        """

        def invoke(function, event):
            answer = self.invoke(
                function, event | {"Records": event["Records"][:: -1 if turned else 1]}
            )
            if kept:
                raise Crashed("the poller")
            return answer

        mapping = next(each for each in self.resources.mappings if each.function == function)
        return event_source.poll(mapping, invoke)

    def start_clock(self):
        """Let the first tick of all come, which nothing goes wrong with."""
        tick(self.made, f"{self._handled:%Y-%m-%dT%H:%M:%SZ}")

    def settle(self):
        """Work on what can be received now, until the queues give nothing more."""
        while self._poll_all("matcher") + self._poll_all("runner"):
            pass

    def doubled(self):
        """Give the paths that were delivered to more than once."""
        times = Counter(each.path for each in self.sink.received)
        return [path for path, count in times.items() if count > 1]

    def rest(self, meanwhile=lambda: None):
        """Let time pass, ticks come and pollers work until nothing moves any more."""
        self.settle()
        for _ in range(_ROUNDS):
            self.tick()
            self.settle()
            if not (moving := self._moving()) and not self.waiting("Queue"):
                return
            meanwhile()
            self.passes(400)  # longer than any lease or visibility time-out
        raise AssertionError(f"it does not come to rest: {moving}")

    def redrive(self):
        """Put dead letters back, as one who is told of them does."""
        queues.redrive(self.resources.physical_ids)

    def runs(self):
        """Give the items of all runs by id."""
        items = [aws.from_dynamodb(item) for item in self._items()]
        return {item["sk"]: item for item in items if "job" in item and item["sk"].count("#") == 1}

    def watch(self):
        """See the statuses of all runs; no outcome that was recorded may change."""
        found = self.runs()
        for run_id, run in found.items():
            if run["status"] in FINAL:
                assert self._ended.setdefault(run_id, run) == run, "an outcome changed"
        self.statuses = {run_id: run["status"] for run_id, run in found.items()}

    def expected(self):
        """Give the runs that accepted messages lead to, and the paths that are delivered to."""
        runs, deliveries = {}, organization.pulled_at(self.due)
        for inbox, record, message_id in self.accepted:
            own = organization.runs_of(inbox, message_id, record)
            runs |= own
            deliveries |= organization.deliveries_of(own, record)
        return runs, deliveries

    def check(self):
        """Hold what has come of everything against what was promised; to be called at rest."""
        expected, deliveries = self.expected()
        assert {each: self.statuses.get(each) for each in expected} == expected
        assert set(self.statuses.values()) <= set(FINAL)
        jobs = Counter(run_id.partition("#")[2] for run_id in self.statuses)
        assert (jobs["pull"], jobs["store"]) == (len(self.due), 2 * len(self.due))
        succeeded = Counter(each["run_id"] for each in self.logged.events(LogEvent.RUN_SUCCEEDED))
        assert [each for each, times in succeeded.items() if times > 1] == []
        assert {each.path for each in self.sink.received} == deliveries
        once = {(record["id"], each) for inbox, record, each in self.accepted if inbox == "once"}
        assert len(once) == len({record for record, _ in once}), "a record was kept twice"
        self._moves = False

    def _poll_all(self, function):
        taken = 0
        while more := self.poll(function):
            taken += more
        return taken

    def _moving(self):
        self.watch()
        expected, _ = self.expected()
        pulls = sum(each.endswith("#pull") for each in self.statuses)
        missing = [each for each in expected if each not in self.statuses]
        missing += ["pull"] * (len(self.due) - pulls)
        return missing + [each for each, status in self.statuses.items() if status not in FINAL]

    def _clear(self):
        name = self.resources.physical_ids["Table"]
        keys = [{key: item[key] for key in ("pk", "sk")} for item in self._items()]
        for start in range(0, len(keys), 25):
            deletes = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + 25]]
            self._dynamodb.batch_write_item(RequestItems={name: deletes})

    def _again(self, function, event):
        try:
            self.invoke(function, event, again=False)
        except Exception:
            return

    def waiting(self, suffix):
        """Give the number of ids in both queues, or in their dead-letter queues."""
        return queues.waiting(self.resources.physical_ids, suffix)

    def _items(self):
        pages = self._dynamodb.get_paginator("scan")
        name = self.resources.physical_ids["Table"]
        return [item for page in pages.paginate(TableName=name) for item in page["Items"]]


@contextmanager
def around(folder):
    """Make a stack of the organization's project in a folder, and the world around it."""
    logged = Lines()
    organization.write(folder)
    with (
        time_machine.travel(START, tick=True) as clock,
        destination.running() as sink,
        stack.created(folder, lambda *each: logged.append(each)) as made,
    ):
        made.set_credential("registry", {"baseUrl": sink.url})
        with Network().between() as network:
            yield World(made, logged, sink, network, clock)
