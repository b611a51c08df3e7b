"""Simulate what surrounds a stack: a source that retries, pollers, ticks, and a destination.

time-machine moves the clock of the process, so that leases and visibility timeouts end.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine

from openfn.messages import store as messages
from openfn.runs import circuit_breaker
from openfn.runs.model import RunStatus
from openfn.storage import secrets, services
from openfn.storage.dynamodb_values import from_dynamodb
from openfn.storage.item_type import ItemType, item_type
from tests.conftest import LogLines, post, tick
from tests.faults import promises, queues, scenario
from tests.faults.destination import Destination
from tests.faults.network import Died, Network
from tests.support.stack_client import object_keys
from workbench.local import event_source
from workbench.local.stack import create_stack

START = datetime(2026, 3, 9, 9, 1, tzinfo=UTC)
_ROUNDS = 40


class Crashed(Exception):
    """A function died without a response."""


class Simulation:
    """Drives a stack, and checks the delivery promises when it is idle."""

    def __init__(self, stack, log_lines, destination, network, clock, seed=None):
        self.stack, self.log_lines, self.destination = stack, log_lines, destination
        self.network, self._clock, self._seed = network, clock, seed
        self.resources, self.inbox_ids = stack.resources, stack.inbox_ids
        self._is_idle = True
        self.begin()

    def begin(self):
        """Empty the stack and move the clock to the next day."""
        self.accepted: list[tuple[str, dict, str]] = []
        self.due: set[str] = set()
        self.history = []
        self._ended = {}
        del self.log_lines[:], self.destination.received[:]
        self._clear()
        if not self._is_idle:
            queues.purge(self.resources.physical_ids)
        self._is_idle = False
        self._random = random.Random(self._seed)
        random.seed(
            self._seed or 0
        )  # the delays of retries: the same calls follow in each repetition
        self.recover()
        secrets.clear_cache()
        circuit_breaker.clear_cache()
        self._clock.shift(timedelta(days=1))
        at = datetime.now(UTC).replace(hour=9, minute=1, second=5, microsecond=0)
        self._clock.move_to(at)
        self.network.expect()
        self._handled = at

    def advance(self, seconds):
        """Move the clock forward; what functions cached may be out of date then."""
        self._clock.shift(timedelta(seconds=seconds))
        circuit_breaker.clear_cache()

    def fail(self):
        """Let the unreliable destination refuse everything until `recover`."""
        self.destination.down_for = scenario.UNRELIABLE

    def recover(self):
        """Let the destination accept everything."""
        self.destination.down_for = frozenset()

    def invoke(self, function, event, *, again=True):
        """Invoke a function; raise `Crashed` if its process dies."""
        invoke_again = (
            (lambda: self._again(function, event)) if again and "Records" in event else None
        )
        self.history.append((function, event))
        try:
            with self.network.process(invoke_again, counted=again):
                return self.stack.invoke(function, event)
        except Died:
            raise Crashed(function) from None

    def send(self, inbox, record, tries=5):
        """Post as a source does: repeat after 503 or no response, until 200."""
        for _ in range(tries):
            try:
                response = post(self, json.dumps(record), inbox=inbox)
            except Crashed:
                continue
            if response["statusCode"] == 200:
                message_id = response["headers"]["X-Message-Id"]
                if inbox not in scenario.ERASED:  # it may be erased already
                    stored = messages.read([message_id])[message_id]
                    assert json.loads(stored.body)["id"] == record["id"], "accepted but not stored"
                self.accepted.append((inbox, record, message_id))
                return
            assert response["statusCode"] == 503, response
        raise AssertionError(f"a message was refused {tries} times")

    def tick(self):
        """Send the tick of this minute; if it fails, the next one catches up."""
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

    def poll(self, function, *, is_reversed=None, poller_dies=False):
        """Pass one batch to a function and return the number of its records.

        The simulation's seed, if there is one, decides whether the groups of the records are
        reversed, unless `is_reversed` does. If the poller dies after the invocation, the batch
        stays on the queue.
        """

        if is_reversed is None:
            is_reversed = self._seed is not None and self._random.random() < 0.5

        def invoke(function, event):
            records = _groups_reversed(event["Records"]) if is_reversed else event["Records"]
            response = self.invoke(function, event | {"Records": records})
            if poller_dies:
                raise Crashed("the poller")
            return response

        mappings = self.resources.mappings
        mapping = next(mapping for mapping in mappings if mapping.function == function)
        return event_source.poll(mapping, invoke)

    def first_tick(self):
        """Send the first tick, without faults."""
        tick(self.stack, f"{self._handled:%Y-%m-%dT%H:%M:%SZ}")

    def drain(self):
        """Poll both queues until nothing more can be received now."""
        while self._poll_all("matcher") + self._poll_all("runner"):
            pass

    def repeated_deliveries(self):
        """Return the paths that received more than one delivery."""
        deliveries = Counter(request.path for request in self.destination.received)
        return [path for path, count in deliveries.items() if count > 1]

    def run_until_idle(self, between_rounds=lambda: None):
        """Drain the queues, tick and move the clock until nothing is left to do."""
        self.drain()
        for _ in range(_ROUNDS):
            self.tick()
            self.drain()
            if not (unfinished := self._unfinished()) and not self.count_queued("Queue"):
                return
            between_rounds()
            self.advance(400)  # longer than any lease or visibility timeout
        raise AssertionError(f"the stack never becomes idle: {unfinished}")

    def redrive(self):
        """Move dead letters back, as people do after an alarm."""
        queues.redrive(self.resources.physical_ids)

    def runs(self):
        """Return the items of all runs by id."""
        return {item["sk"]: item for item in self.items() if item_type(item) is ItemType.RUN}

    def read_statuses(self):
        """Read the statuses of all runs; a recorded outcome must not change."""
        runs = self.runs()
        for run_id, run in runs.items():
            if RunStatus(run["status"]).has_ended:
                outcome = _without_contents(run) if "erase" in run else run
                assert self._ended.setdefault(run_id, outcome) == outcome, "an outcome changed"
        self.statuses = {run_id: run["status"] for run_id, run in runs.items()}

    def expected(self):
        """Return the runs that accepted messages lead to, and the paths of all deliveries."""
        runs, deliveries = {}, scenario.deliveries_of_pulls(self.due)
        for inbox, record, message_id in self.accepted:
            runs_of_message = scenario.runs_of(inbox, message_id, record)
            runs |= runs_of_message
            deliveries |= scenario.deliveries_of(runs_of_message, record)
        return runs, deliveries

    def check(self):
        """Check the delivery promises; only valid while the stack is idle."""
        promises.check(self)
        self._is_idle = True

    def object_keys(self):
        """Return the keys of all objects in the bucket."""
        return object_keys(self.resources.physical_ids["Bucket"])

    def items(self):
        """Return all items of the table."""
        return [from_dynamodb(item) for item in self._items()]

    def _poll_all(self, function):
        total = 0
        while count := self.poll(function):
            total += count
        return total

    def _unfinished(self):
        self.read_statuses()
        expected, _ = self.expected()
        pulls = sum(run_id.endswith("#pull") for run_id in self.statuses)
        missing = [run_id for run_id in expected if run_id not in self.statuses]
        missing += ["pull"] * (len(self.due) - pulls)
        statuses = self.statuses.items()
        return missing + [id_ for id_, status in statuses if not RunStatus(status).has_ended]

    def _clear(self):
        with services.current().database.write() as connection:
            connection.execute("DELETE FROM items")
            connection.execute("DELETE FROM index_entries")

    def _again(self, function, event):
        try:
            self.invoke(function, event, again=False)
        except Exception:
            return

    def count_queued(self, suffix):
        """Count the ids in both queues (`Queue`) or dead-letter queues (`DeadLetters`)."""
        return queues.count(self.resources.physical_ids, suffix)

    def _items(self):
        pages = services.pages("dynamodb", "scan", TableName=self.resources.physical_ids["Table"])
        return [item for page in pages for item in page["Items"]]


def _groups_reversed(records):
    """Return the records with their groups in reverse order; a group keeps its own order."""
    groups = {}
    for record in records:
        groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
    return [record for group in reversed(groups.values()) for record in group]


def _without_contents(run):
    names = (*promises.CONTENTS, "erased", "published")
    return {name: value for name, value in run.items() if not name.startswith(names)}


@contextmanager
def simulate(folder, seed=None):
    """Create a stack of the scenario's project in a folder, and simulate its surroundings."""
    log_lines = LogLines()
    scenario.write(folder)
    with (
        time_machine.travel(START, tick=True) as clock,
        Destination().running() as destination,
        create_stack(folder, log_lines.record) as created,
    ):
        for credential in ("registry", "unreliable"):
            created.set_credential(credential, {"baseUrl": destination.url})
        with Network().installed() as network:
            yield Simulation(created, log_lines, destination, network, clock, seed)
