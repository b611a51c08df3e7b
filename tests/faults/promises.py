"""The delivery promises, checked while a simulated stack is idle."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from openfn.log_events import LogEvent
from openfn.runs.model import RunStatus
from tests.faults import scenario

CONTENTS = ("body", "final", "initial", "log", "emitted", "resume")


def check(simulation):
    """Check all promises."""
    _check_runs(simulation)
    _check_deliveries(simulation)
    _check_order(simulation)
    _check_duplicates(simulation)
    _check_erasure(simulation)


def _check_runs(simulation):
    """Each accepted message has exactly its runs, and each run its expected end."""
    expected, _ = simulation.expected()
    statuses = simulation.statuses
    assert {run_id: statuses.get(run_id) for run_id in expected} == expected
    assert all(RunStatus(status).has_ended for status in statuses.values())
    jobs = Counter(run_id.partition("#")[2] for run_id in statuses)
    emitting = [run for run in expected if run.partition("#")[2] in scenario.EMITTING]
    accepted = {message_id for _, _, message_id in simulation.accepted}
    assert {run for run in statuses if run.partition("#")[0] in accepted} == set(expected)
    emitted = sum(expected[run_id] == "succeeded" for run_id in emitting)
    assert jobs["pull"] == len(simulation.due)
    assert jobs["store"] == 2 * len(simulation.due) + emitted
    events = simulation.log_lines.events(LogEvent.RUN_SUCCEEDED)
    successes = Counter(event["run_id"] for event in events)
    assert [run_id for run_id, count in successes.items() if count > 1] == []


def _check_deliveries(simulation):
    """The destination has each record once, at its own path."""
    _, deliveries = simulation.expected()
    assert {request.path for request in simulation.destination.received} == deliveries


def _check_order(simulation):
    """No older record of a case comes behind a newer one."""
    cases = {}
    for request in simulation.destination.received:
        _, job, identifier = request.path.split("/")
        if job in scenario.ORDERED.values():
            case, _, number = identifier.partition("-")
            cases.setdefault((job, case), []).append(int(number))
    for case, numbers in cases.items():
        assert all(first <= second for first, second in pairwise(numbers)), (case, numbers)


def _check_duplicates(simulation):
    """An inbox with `dedupe` stores a record once."""
    stored = {
        (inbox, record["id"], message_id)
        for inbox, record, message_id in simulation.accepted
        if inbox in scenario.DEDUPLICATING
    }
    records = Counter((inbox, record_id) for inbox, record_id, _ in stored)
    assert [record for record, count in records.items() if count > 1] == []


def _check_erasure(simulation):
    """Of an erased message no contents are left: no attribute, no object and no log line."""
    message_ids, needed = set(), set()
    for inbox, record, message_id in simulation.accepted:
        if inbox in scenario.ERASED:
            (needed if "bad" in record else message_ids).add(message_id)
    items = simulation.items()
    attributes = [
        f"{item['sk']}: {name}"
        for item in items
        if item["sk"][:36] in message_ids
        for name in item
        if name.startswith(CONTENTS)
    ]
    assert attributes == []
    keys = simulation.object_keys()
    assert [key for key in keys if key.split("/")[1] in message_ids] == []
    secrets = {record["secret"] for _, record, _ in simulation.accepted if "secret" in record}
    lines = [line for _, line in simulation.log_lines if any(s in line for s in secrets)]
    assert lines == []
    erased = {item["sk"] for item in items if "erased" in item}
    assert erased & needed == set(), "contents were erased that a failed run still needs"
    assert message_ids <= erased
