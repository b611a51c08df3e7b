"""Replaying runs in the table; tests/workbench/test_replay.py tests the command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from openfn import ids
from openfn.errors import NotReplayed
from openfn.runs import store as runs
from openfn.runs.replay import replay
from openfn.storage import attention, boto3_services, table
from openfn.storage.attention import Attention
from tests.conftest import post

PROJECT = """
triggers: {all: {inclusion: {}}}
jobs: {job-a: {trigger: all, expression: jobs/a.py}}
"""
FAILING = """
from adaptors.common import fn
fn(lambda state: {**state, "seen": True})
fn(lambda state: state["missing"])
"""


@pytest.fixture
def failed(create_project_stack):
    """The id of a run that failed at its second operation."""
    stack = create_project_stack(PROJECT, a=FAILING)
    run_id = ids.run_id(post(stack, '{"n": 1}')["headers"]["X-Message-Id"], "job-a")
    stack.drain()
    return run_id


def test_replayed_run_is_queued_and_has_all_its_tries(failed):
    replay(runs.load(failed))
    run = runs.load(failed)
    assert (run.status, run.attempt, run.tries) == ("queued", 1, 0)
    (item,) = table.get([ids.key_of(failed)])
    assert not item.keys() & {"began", "finished", "duration_ms", "due", "crashes"}
    assert runs.claim(failed, 60).tries == 1


def test_concurrent_replays_replay_a_run_once(failed):
    seen_by_both = runs.load(failed)
    replay(seen_by_both)
    later = datetime.now(UTC) + timedelta(milliseconds=2)
    with (
        time_machine.travel(later, tick=True),
        pytest.raises(NotReplayed, match="Somebody else replays"),
    ):
        replay(seen_by_both)


def test_run_that_has_not_ended_cannot_be_replayed(failed):
    replay(runs.load(failed))
    with pytest.raises(NotReplayed, match="is queued"):
        replay(runs.load(failed))
    runs.claim(failed, 60)
    with pytest.raises(NotReplayed, match="is running"):
        replay(runs.load(failed))


def test_replayed_run_that_was_not_queued_is_due_after_an_hour(failed):
    replay(runs.load(failed))
    now = float(ids.received_at(failed[:36]).timestamp())
    assert list(runs.flagged(Attention.RUN_UNQUEUED, now + 3000)) == []
    (page,) = runs.flagged(Attention.RUN_UNQUEUED, now + 3700)
    assert [run.id for run in page] == [failed]
    assert attention.query(Attention.FAILED) == []


def _lost(attempts, **_):
    return 0 if attempts == 1 else None


@pytest.mark.moto
def test_replay_succeeds_if_the_first_response_is_lost(failed):
    hooks, event = (
        boto3_services.client("dynamodb").meta.events,
        "needs-retry.dynamodb.TransactWriteItems",
    )
    run = runs.load(failed)
    hooks.register_first(event, _lost)
    try:
        replay(run)
    finally:
        hooks.unregister(event, _lost)
    assert runs.load(failed).status == "queued"
