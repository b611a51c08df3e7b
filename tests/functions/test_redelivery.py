"""Every id comes off its queue twice, turned round and at once: the outcome is the same."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from openfn import ids
from openfn.history import details
from openfn.log_events import LogEvent
from tests.conftest import LogLines, post, tick
from tests.faults import organization
from workbench.local import event_source
from workbench.local.destination import run_destination
from workbench.local.stack import create_stack

MINUTE = "2026-03-09T10:00:00Z"
# By its number a record is refused by no job, by one or by the other.
BAD = (None, "notify", "register")


class _Twice:
    """Gives each event to two processes at once, to one of them turned round."""

    def __init__(self, stack, pool):
        self._made, self._pool = stack, pool
        self.delivered = []

    def __call__(self, function, event):
        turned = event | {"Records": event["Records"][::-1]}
        self.delivered += [(function, event), (function, turned)]
        answers = list(self._pool.map(self._made.invoke, [function] * 2, [event, turned]))
        failed = [{each["itemIdentifier"] for each in a["batchItemFailures"]} for a in answers]
        # What either of them has done is deleted from the queue.
        return {
            "batchItemFailures": [{"itemIdentifier": each} for each in set.intersection(*failed)]
        }


@pytest.mark.parametrize("seed", range(1))
def test_each_id_delivered_twice_out_of_order_and_at_once_has_the_same_outcome(tmp_path, seed):
    log_lines, dice = LogLines(), random.Random(seed)
    organization.write(tmp_path)
    with (
        create_stack(tmp_path, lambda *each: log_lines.append(each)) as stack,
        run_destination() as destination,
        ThreadPoolExecutor(6) as pool,
    ):
        stack.set_credential("registry", {"baseUrl": destination.url})
        accepted = [_post(stack, number) for number in range(9)]
        tick(stack, MINUTE)
        twice = _Twice(stack, pool)
        while sum(event_source.poll(mapping, twice) for mapping in stack.resources.mappings):
            pass
        late = dice.sample(twice.delivered, len(twice.delivered))
        answers = pool.map(lambda each: stack.invoke(*each), late)
        assert all(answer["batchItemFailures"] == [] for answer in answers)
        stack.drain()
        _hold(accepted, destination, log_lines)


def _post(stack, number):
    inbox = "once" if number % 4 == 3 else "plain"
    record = {"id": f"r{number}", "bad": BAD[number % 3] if inbox == "plain" else None}
    answer = post(stack, json.dumps(record), inbox=inbox)
    return inbox, answer["headers"]["X-Message-Id"], record


def _hold(accepted, destination, log_lines):
    """Hold the outcome against that of ids that are delivered once."""
    expected, deliveries = {}, organization.pulled_at([MINUTE])
    for inbox, message_id, record in accepted:
        own = organization.runs_of(inbox, message_id, record)
        expected |= own
        deliveries |= organization.deliveries_of(own, record)
    found = {run_id: details.run(run_id) for run_id in expected}
    assert {run_id: run.status for run_id, run in found.items()} == expected
    assert {run.attempt for run in found.values()} == {1}
    assert Counter(each.path for each in destination.received) == Counter(deliveries)
    ended = [each["run_id"] for each in log_lines.events(LogEvent.RUN_SUCCEEDED)]
    assert len(ended) == len(set(ended))
    assert len(details.newest(100, days=2)) == len(accepted) + 2
    assert {ids.source_id_of(each) for each in expected} == {each for _, each, _ in accepted}
