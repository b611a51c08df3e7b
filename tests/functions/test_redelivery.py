"""Every id is delivered twice, in reverse and at the same time, with the same outcome."""

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
from tests.faults import scenario
from tests.support.sqs import failed_ids
from workbench.local import event_source
from workbench.local.destination import run_destination
from workbench.local.stack import create_stack

MINUTE = "2026-03-09T10:00:00Z"
# By its number, a record fails in no job, in the second or in the first.
BAD = (None, "notify", "register")


class _Twice:
    """Delivers each event to two processes at once, to one of them in reverse order."""

    def __init__(self, stack, pool):
        self._stack, self._pool = stack, pool
        self.delivered = []

    def __call__(self, function, event):
        reverse = event | {"Records": event["Records"][::-1]}
        self.delivered += [(function, event), (function, reverse)]
        responses = list(self._pool.map(self._stack.invoke, [function] * 2, [event, reverse]))
        # The poller deletes a record when one of both has processed it.
        failed = set.intersection(*(set(failed_ids(response)) for response in responses))
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}


@pytest.mark.parametrize("seed", range(1))
def test_ids_delivered_twice_and_out_of_order_have_the_same_outcome(tmp_path, seed):
    log_lines, generator = LogLines(), random.Random(seed)
    scenario.write(tmp_path)
    with (
        create_stack(tmp_path, lambda *line: log_lines.append(line)) as stack,
        run_destination() as destination,
        ThreadPoolExecutor(6) as pool,
    ):
        stack.set_credential("registry", {"baseUrl": destination.url})
        accepted = [_post(stack, number) for number in range(9)]
        tick(stack, MINUTE)
        twice = _Twice(stack, pool)
        while sum(event_source.poll(mapping, twice) for mapping in stack.resources.mappings):
            pass
        late = generator.sample(twice.delivered, len(twice.delivered))
        responses = pool.map(lambda delivery: stack.invoke(*delivery), late)
        assert all(failed_ids(response) == [] for response in responses)
        stack.drain()
        _check(accepted, destination, log_lines)


def _post(stack, number):
    inbox = "once" if number % 4 == 3 else "plain"
    record = {"id": f"r{number}", "bad": BAD[number % 3] if inbox == "plain" else None}
    response = post(stack, json.dumps(record), inbox=inbox)
    return inbox, response["headers"]["X-Message-Id"], record


def _check(accepted, destination, log_lines):
    """Check that the outcome is that of ids delivered once."""
    expected, deliveries = {}, scenario.deliveries_of_pulls([MINUTE])
    for inbox, message_id, record in accepted:
        runs_of_message = scenario.runs_of(inbox, message_id, record)
        expected |= runs_of_message
        deliveries |= scenario.deliveries_of(runs_of_message, record)
    runs = {run_id: details.run(run_id) for run_id in expected}
    assert {run_id: run.status for run_id, run in runs.items()} == expected
    assert {run.attempt for run in runs.values()} == {1}
    assert Counter(request.path for request in destination.received) == Counter(deliveries)
    ended = [event["run_id"] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)]
    assert len(ended) == len(set(ended))
    assert len(details.newest_messages(100, days=2)) == len(accepted) + 2
    assert set(map(ids.source_id_of, expected)) == {message_id for _, message_id, _ in accepted}
