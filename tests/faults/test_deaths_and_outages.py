"""A process that dies takes no other message along, and an outage of AWS counts as no death."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from openfn import ids
from openfn.history import details, replay
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.runs import store
from openfn.storage import survival
from tests.conftest import post
from tests.faults import queues
from tests.faults.network import Died, Fault, Network, dies_while_it_matches
from tests.support.stack_client import without_queue
from tests.support.stored_messages import message_id_of
from workbench.local import event_source

START = datetime(2026, 3, 9, 9, 1, tzinfo=UTC)
PROJECT = """
inboxes:
  ordered: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000001"}
  plain: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000002"}
triggers:
  visit: {inbox: ordered, inclusion: {}, order_by: case}
  form: {inbox: plain, inclusion: {}}
jobs:
  job-a: {trigger: visit, expression: jobs/a.py}
  job-b: {trigger: form, expression: jobs/a.py}
"""
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


class Surroundings:
    """The pollers of a stack whose matcher can die."""

    def __init__(self, stack, network, clock):
        self.stack, self.network, self._clock = stack, network, clock
        self.receives = []

    def post(self, inbox, **record):
        """Post a record and return its message's id."""
        return message_id_of(post(self.stack, json.dumps(record), inbox=inbox))

    def poll(self, rounds):
        """Poll both queues until they hide all that is left, as often as ids become visible."""
        for _ in range(rounds):
            for mapping in self.stack.resources.mappings:
                while event_source.poll(mapping, self._invoke):
                    pass
            self._clock.shift(timedelta(seconds=91))

    def states(self):
        """Return the states of all messages by id."""
        return {m.summary.id: m.summary.state for m in details.newest_messages(50, days=2)}

    def count_dead_letters(self):
        """Return the number of ids in the dead-letter queues."""
        return queues.count(self.stack.resources.physical_ids, "DeadLetters")

    def count_receives(self, message_id):
        """Return how many matchers have received a message."""
        return sum(message_id in bodies for bodies in self.receives)

    def _invoke(self, function, event):
        if function == "matcher":
            self.receives.append(json.dumps([record["body"] for record in event["Records"]]))
        try:
            with self.network.process():
                return self.stack.invoke(function, event)
        except Died:
            raise ConnectionError("the process died") from None


@pytest.fixture
def surroundings(create_project_stack):
    with time_machine.travel(START, tick=True) as clock:
        stack = create_project_stack(PROJECT, a=NOTHING)
        with Network().installed() as network:
            yield Surroundings(stack, network, clock)


def test_message_that_kills_every_matcher_is_unmatchable_and_blocks_nobody(surroundings, log_lines):
    ordered = [surroundings.post("ordered", case=1, n=n) for n in range(4)]
    plain = [surroundings.post("plain", n=n) for n in range(4)]
    killer = ordered.pop(1)
    surroundings.network.fail_whenever(dies_while_it_matches(killer))
    surroundings.poll(7)
    assert surroundings.states() == {
        **dict.fromkeys([*ordered, *plain], "matched"),
        killer: "unmatchable",
    }
    (event,) = log_lines.events(LogEvent.MESSAGE_UNMATCHABLE)
    assert (event["message_id"], event["error"]) == (killer, "MatcherDied")
    assert surroundings.count_receives(killer) == 5
    assert surroundings.count_dead_letters() == 0
    succeeded = [event["run_id"][:36] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)]
    assert [message_id for message_id in succeeded if message_id in ordered] == ordered


def test_message_that_has_killed_matchers_can_be_replayed(surroundings):
    killer = surroundings.post("ordered", case=1)
    surroundings.network.fail_whenever(dies_while_it_matches(killer))
    surroundings.poll(6)
    replay.replay_messages([messages.read([killer])[killer]])
    surroundings.poll(6)
    assert surroundings.states() == {killer: "unmatchable"}
    surroundings.network.fail_whenever()
    replay.replay_messages([messages.read([killer])[killer]])
    surroundings.poll(1)
    assert surroundings.states() == {killer: "matched"}
    assert surroundings.count_dead_letters() == 0


def test_message_is_matched_once_the_matcher_survives(surroundings):
    message_id = surroundings.post("ordered", case=1)
    surroundings.network.fail_whenever(dies_while_it_matches(message_id))
    surroundings.poll(3)
    surroundings.network.fail_whenever()
    surroundings.poll(2)
    assert surroundings.states() == {message_id: "matched"}
    assert "matching" not in messages.read_items([message_id])[message_id]


def test_late_message_that_kills_every_matcher_blocks_no_newer_one(surroundings):
    with without_queue(surroundings.stack, "MATCH_QUEUE_URL"):
        killer = surroundings.post("ordered", case=1, n=1)
    newer = [surroundings.post("ordered", case=1, n=n) for n in (2, 3)]
    surroundings.network.fail_whenever(dies_while_it_matches(killer))
    surroundings.poll(7)
    assert surroundings.states() == {killer: "unmatchable"} | dict.fromkeys(newer, "matched")
    assert surroundings.count_dead_letters() == 0


def test_post_whose_function_died_before_queueing_is_matched_before_newer_ones(
    surroundings, log_lines
):
    surroundings.network.fail_whenever(
        lambda name, _: Fault.DIES_BEFORE if name == "sqs.SendMessageBatch" else None
    )
    with pytest.raises(Died), surroundings.network.process():
        surroundings.post("ordered", case=1, n=1)
    surroundings.network.fail_whenever()
    again = surroundings.post("ordered", case=1, n=1)
    newer = surroundings.post("ordered", case=1, n=2)
    surroundings.poll(1)
    matched = [event["message_id"] for event in log_lines.events(LogEvent.MESSAGE_MATCHED)]
    assert matched[1:] == [again, newer]
    assert set(surroundings.states()) == set(matched)
    assert not any("attention" in item for item in messages.read_items(matched).values())


@pytest.mark.parametrize(
    "refused", ["REMOVE #matching", "dynamodb.UpdateItem"], ids=["unmark", "all-writes"]
)
def test_outage_is_no_death_of_a_matcher(surroundings, refused, monkeypatch):
    monkeypatch.setattr(survival, "_WAITS", (0.0,))
    message_ids = [surroundings.post("ordered", case=1, n=n) for n in range(2)]

    def refuse(name, body):
        is_refused = name == refused or f'"{refused}' in body
        is_write = name in ("dynamodb.PutItem", "dynamodb.TransactWriteItems")
        return Fault.REFUSED if is_refused or is_write else None

    surroundings.network.fail_whenever(refuse)
    surroundings.poll(12)
    assert set(surroundings.states().values()) == {"kept"}
    surroundings.network.fail_whenever()
    surroundings.poll(2)
    assert surroundings.states() == dict.fromkeys(message_ids, "matched")
    assert surroundings.count_dead_letters() == 0


@pytest.mark.parametrize(
    ("update", "fault"),
    [("#claim = :new_claim", Fault.LOST), ("#finished = :new_finished", Fault.REFUSED)],
    ids=["claim", "outcome"],
)
def test_outage_is_no_death_of_a_runner(surroundings, update, fault):
    message_id = surroundings.post("plain", n=1)
    surroundings.network.fail_whenever(lambda _name, body: fault if update in body else None)
    surroundings.poll(12)
    surroundings.network.fail_whenever()
    surroundings.poll(5)
    run = store.load(ids.run_id(message_id, "job-b"))
    assert (run.status, run.crashes, run.tries) == ("succeeded", 0, 1)
    assert run.attempt > 3
    assert surroundings.count_dead_letters() == 0


@pytest.mark.parametrize("survives", [False, True], ids=["dies", "survives"])
def test_only_a_dead_runner_counts_as_a_crash(surroundings, survives):
    message_id = surroundings.post("plain", n=1)

    def die(_name, body):
        is_outcome = "#finished = :new_finished" in body and ":new_error" not in body
        return Fault.DIES_BEFORE if is_outcome else None

    surroundings.network.fail_whenever(die)
    surroundings.poll(8 if survives else 20)
    surroundings.network.fail_whenever()
    surroundings.poll(5)
    run = store.load(ids.run_id(message_id, "job-b"))
    assert run.status == ("succeeded" if survives else "failed")
    assert run.crashes == (2 if survives else 3)
