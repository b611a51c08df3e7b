"""This code finishes what a release has begun, exactly once.

Each folder beside this file holds what the stack of one release stored in the middle of its work
(see `record.py`). It is loaded into a stack of this code, at the time of the record.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from openfn import ids
from openfn.project import compiled as project_layer
from tests.conftest import post, tick
from tests.support.moto_stack import create_stack
from tests.support.sqs import failed_ids, sqs_event
from tests.upgrade import snapshot
from tests.upgrade.organization import inbox_id
from workbench.cli import main
from workbench.local.destination import run_destination

HERE = Path(__file__).parent
RELEASES = sorted(path.parent.name for path in HERE.glob("*/situations.json"))
# Every tick of ten minutes also reconciles. A replay that was stopped is queued after an hour.
_STEP, _STEPS, _STEPS_AFTER_REPLAY = timedelta(minutes=10), 8, 3
_CONTENTS = ("body", "final", "initial", "log", "emitted", "resume")


@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a record: the delivered paths, and what is stored in the end."""

    situations: dict
    delivered: tuple[str, ...]
    items: dict
    object_keys: tuple[str, ...]
    queue_sizes: dict
    repeated: str
    """The message id with which a repeated post was answered."""

    def runs(self, status):
        """Return the ids of the runs with a status."""
        items = self.items.items()
        return [key for key, item in items if item.get("status") == status and "kind" in item]

    def expected(self, key):
        """Return the values of all situations under a key, in one list."""
        return [value for case in self.situations.values() for value in case.get(key, [])]


@pytest.fixture(scope="module", params=RELEASES)
def finished(request):
    """The result of finishing the record of a release."""
    return finish(snapshot.read(HERE / request.param))


def finish(record):
    """Load a record into a stack and process it until nothing is left to do."""
    situations = record["situations"]["situations"]
    recorded_at = datetime.fromisoformat(record["situations"]["recorded_at"])
    with (
        tempfile.TemporaryDirectory() as project,
        time_machine.travel(recorded_at, tick=True) as clock,
        run_destination() as registry,
    ):
        snapshot.write_source(record, Path(project))
        with create_stack(Path(project)) as embedded:
            snapshot.load(record, {"baseUrl": registry.url})
            project_layer.load.cache_clear()  # from now on it is the one that the release compiled
            repeated = repeat(embedded, situations["dedupe mark"]["body"])
            pass_time(embedded, clock, _STEPS)
            ofn("dead-letters", "redrive", "--yes", "--project", project)
            replays = [run for case in situations.values() for run in case.get("replay", [])]
            ofn("replay", *replays, "--project", project)
            pass_time(embedded, clock, _STEPS_AFTER_REPLAY)
            return Finished(
                situations,
                tuple(request.path for request in registry.received),
                {key_of(item): item for item in map(snapshot.plain, snapshot.table_items())},
                tuple(snapshot.object_keys()),
                snapshot.queue_sizes(),
                repeated,
            )


def repeat(embedded, body):
    """Post a body again and return the message id in the response."""
    answer = post(embedded, body, inbox=inbox_id("once"))
    assert answer["statusCode"] == 200
    return answer["headers"]["X-Message-Id"]


def pass_time(embedded, clock, steps):
    """Invoke the tick and drain the queues, once for every ten minutes."""
    for _ in range(steps):
        now = datetime.now(UTC)
        tick(embedded, f"{now:%Y-%m-%dT%H:%M:00Z}")
        embedded.drain()
        clock.shift(_STEP - timedelta(minutes=now.minute % 10))


def ofn(*arguments):
    """Run a command that must succeed."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
        patch.setattr(sys, "argv", ["ofn", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            main.main()
    assert not ended.value.code


def key_of(item):
    """Return the key that identifies an item: its id, or its partition if it has no id."""
    return item["sk"] if "-" in item["sk"] else item["pk"]


def family(finished, message_id):
    """Return the items of a message and its runs."""
    return {key: item for key, item in finished.items.items() if key.startswith(message_id)}


def test_first_release_is_recorded():
    assert "0.1.0" in RELEASES


def test_every_message_is_delivered_exactly_once(finished):
    assert Counter(finished.delivered) == Counter(finished.expected("deliveries"))


@pytest.mark.parametrize("situation", ["ordered runs", "ordered runs parked"])
def test_ordered_deliveries_stay_in_order(finished, situation):
    expected = finished.situations[situation]["deliveries"]
    assert [path for path in finished.delivered if path in expected] == expected


def test_every_run_ends_in_its_expected_status(finished):
    assert finished.runs("failed") == finished.expected("failed")
    unfinished = [finished.runs(status) for status in ("queued", "waiting", "running")]
    assert unfinished == [[], [], []]


def test_nothing_is_left_in_attention(finished):
    flagged = [key for key, item in finished.items.items() if "attention" in item]
    assert flagged == finished.expected("failed")


def test_all_queues_are_empty(finished):
    assert set(finished.queue_sizes.values()) == {0}


def test_crashed_attempt_is_recorded(finished):
    crashed = [key for key, item in finished.items.items() if item.get("status") == "crashed"]
    assert [key.split("#")[1:] for key in crashed] == [["register", "0001"]]


def test_replayed_cron_run_carries_its_state_to_the_next_run(finished):
    (replayed,) = finished.situations["failed run of the clock"]["replay"]
    carried_from = {
        item["pk"]: item["run_id"] for item in finished.items.values() if "turn" in item
    }
    assert carried_from["job#sync"] == replayed


def test_message_that_is_posted_again_is_dropped(finished):
    assert finished.repeated == finished.situations["dedupe mark"]["message_id"]


def test_unreadable_message_starts_no_run(finished):
    message_id = finished.situations["unreadable message"]["message_id"]
    assert list(family(finished, message_id)) == [message_id]


def test_message_of_an_inbox_that_keeps_nothing_is_erased(finished):
    (message_id,) = finished.situations["message to be erased"]["erased"]
    items = family(finished, message_id).values()
    assert [name for item in items for name in item if name.startswith(_CONTENTS)] == []
    assert [item["erased"] for item in items if "inbox" in item] == [True]
    assert f"messages/{message_id}/body" not in finished.object_keys


def test_no_object_of_an_erased_message_is_left(finished):
    (message_id,) = finished.situations["message to be erased"]["erased"]
    assert [key for key in finished.object_keys if message_id in key] == []


SEVERAL = {
    "follow: {trigger: registered,": "follow: {trigger: [registered, never],",
    "catch: {trigger: unregistered,": "catch: {trigger: [unregistered, never],",
    "thank: {trigger: album-done,": "thank: {trigger: [album-done, never],",
    "report: {trigger: unsynced,": "report: {trigger: [unsynced, never],",
    "triggers:\n": "triggers:\n  never: {inbox: plain, inclusion: [{kind: never}, {kind: no}]}\n",
}
"""Changes that give each job after another one a second trigger, which never matches."""


@pytest.mark.parametrize("release", RELEASES)
def test_run_that_ended_before_its_following_jobs_got_more_triggers_starts_each_once(release):
    record = snapshot.read(HERE / release)
    recorded_at = datetime.fromisoformat(record["situations"]["recorded_at"])
    with (
        tempfile.TemporaryDirectory() as project,
        time_machine.travel(recorded_at, tick=True) as clock,
        run_destination() as registry,
    ):
        snapshot.write_source(record, Path(project))
        change_file(Path(project, "project.yaml"), SEVERAL)
        with create_stack(Path(project)) as embedded:
            compiled = json.loads(
                Path(os.environ["PROJECT_DIR"], "project.json").read_text("utf-8")
            )
            snapshot.load(record | {"project": compiled}, {"baseUrl": registry.url})
            before = runs_after("register")
            pass_time(embedded, clock, 1)
            succeeded = runs_with("register", "succeeded")
            deliver_again(embedded, succeeded)
            after = runs_after("register")
    # Runs that were created before keep their ids. The others name the run that they follow.
    assert before.items() <= after.items()
    new = {run.partition("#")[2] for run in after.keys() - before}
    assert (len(before), new) == (1, {"follow@register"})
    assert sorted(map(ids.source_id_of, after)) == sorted(map(ids.source_id_of, succeeded))


def change_file(path, changes):
    """Replace texts in a file; each must occur once."""
    text = path.read_text("utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def runs_after(job):
    """Return the kinds of the runs that the success of a job has started, by id."""
    items = map(snapshot.plain, snapshot.table_items())
    return {
        i["sk"]: i["kind"] for i in items if i.get("upstream") == job and i["kind"] == "success"
    }


def runs_with(job, status):
    """Return the ids of the runs of a job with a status."""
    items = map(snapshot.plain, snapshot.table_items())
    return [i["sk"] for i in items if i.get("job") == job and i.get("status") == status]


def deliver_again(embedded, run_ids):
    """Invoke the runner with ids that it has processed."""
    for run_id in run_ids:
        event = sqs_event("run_id", run_id, MessageGroupId=run_id)
        assert failed_ids(embedded.invoke("runner", event)) == []
    embedded.drain()
