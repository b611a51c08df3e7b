"""Late messages keep their order and the time of a tick, however many they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from openfn import ids
from openfn.log_events import LogEvent
from openfn.messages import late, late_queueing
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from tests.conftest import hurried_tick, post
from tests.faults import queues
from tests.support.call_hooks import hook_aws_call
from tests.support.sqs import failed_ids, sqs_event
from tests.support.stack_client import without_queue
from tests.support.stored_messages import message_id_of
from workbench.local import event_source

START = datetime(2026, 3, 9, 9, 1, tzinfo=UTC)
PROJECT = """
inboxes:
  one: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000001"}
  two: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000002"}
  two-plain: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000003"}
triggers:
  visit: {inbox: one, inclusion: {}, order_by: case}
  stay: {inbox: two, inclusion: {}, order_by: case}
  form: {inbox: two-plain, inclusion: {}}
jobs:
  job-a: {trigger: visit, expression: jobs/a.py}
  job-b: {trigger: stay, expression: jobs/a.py}
  job-c: {trigger: form, expression: jobs/a.py}
"""
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


class Minutes:
    """The minutes of a stack, with a tick and several polls of the queues in each."""

    def __init__(self, stack, clock, log_lines):
        self.stack, self._clock, self._log_lines = stack, clock, log_lines

    def post(self, count, inbox="one"):
        """Post records; return the ids of their messages."""
        responses = [post(self.stack, '{"case": 1}', inbox=inbox) for _ in range(count)]
        return [message_id_of(response) for response in responses]

    def post_late(self, count, inbox="one"):
        """Post records while the match queue does not exist; return the ids of their messages."""
        with without_queue(self.stack, "MATCH_QUEUE_URL"):
            return self.post(count, inbox)

    def pass_by(self, minutes, tick):
        """Let minutes pass, with a tick in each."""
        for _ in range(minutes):
            tick(self.stack, datetime.now(UTC).isoformat())
            self.poll()

    def tick_without_polls(self, count):
        """Invoke hurried ticks, one a minute, while the queues deliver nothing."""
        for _ in range(count):
            hurried_tick(self.stack)
            self._clock.shift(timedelta(minutes=1))

    def poll(self):
        """Poll until the queues hide all that is left, and wait until they show it again."""
        for mapping in self.stack.resources.mappings:
            while event_source.poll(mapping, self.stack.invoke):
                pass
        self._clock.shift(timedelta(seconds=91))

    def matched(self, inbox="one"):
        """Return the ids of an inbox's matched messages in the order in which they were matched."""
        events = self._log_lines.events(LogEvent.MESSAGE_MATCHED)
        return list(dict.fromkeys(e["message_id"] for e in events if e["inbox"] == inbox))

    def count_dead_letters(self):
        """Return the number of ids in the dead-letter queues."""
        return queues.count(self.stack.resources.physical_ids, "DeadLetters")


@pytest.fixture
def minutes(create_project_stack, log_lines):
    with time_machine.travel(START, tick=True) as clock:
        yield Minutes(create_project_stack(PROJECT, a=NOTHING), clock, log_lines)


def late_keys():
    return [item["attention_at"] for item in attention.query(Attention.UNQUEUED)]


def _normal_tick(stack, minute):
    stack.invoke("matcher", {"time": minute})


def test_newer_messages_wait_for_more_late_ones_than_a_receive_matches(minutes, monkeypatch):
    monkeypatch.setattr(late, "LIMIT", 1)
    message_ids = minutes.post_late(12) + minutes.post(3)
    for _ in range(3):
        minutes.poll()
    assert minutes.matched() == message_ids[: len(minutes.matched())]
    assert len(late_keys()) == len(message_ids) - len(minutes.matched())
    minutes.pass_by(6, _normal_tick)
    assert minutes.matched() == message_ids
    assert (late_keys(), minutes.count_dead_letters()) == ([], 0)


def test_waiting_does_not_use_up_receives(minutes, monkeypatch):
    monkeypatch.setattr(late, "LIMIT", 1)
    *_, newer = minutes.post_late(4) + minutes.post(1)
    event = sqs_event("message_id", newer, MessageGroupId="one")
    assert failed_ids(minutes.stack.invoke("matcher", event)) == [newer]
    assert failed_ids(minutes.stack.invoke("matcher", event)) == []
    assert f"#one#{newer}" in late_keys()


def test_message_that_waits_on_its_last_receive_is_marked_as_late(minutes, monkeypatch):
    monkeypatch.setattr(late, "LIMIT", 1)
    *_, newer = message_ids = minutes.post_late(3) + minutes.post(1)
    event = sqs_event("message_id", newer, received=20, MessageGroupId="one")
    assert failed_ids(minutes.stack.invoke("matcher", event)) == []
    assert f"#one#{newer}" in late_keys()
    minutes.pass_by(3, _normal_tick)
    assert minutes.matched() == message_ids


def test_matcher_and_tick_read_late_messages_in_pages(minutes, monkeypatch):
    monkeypatch.setattr(late, "LIMIT", 3)
    monkeypatch.setattr(late_queueing, "PAGE", 2)
    minutes.post_late(9)
    (newer,) = minutes.post(1)
    counts = []

    def count(parsed, **_):
        counts.append(parsed["Count"])

    with hook_aws_call("after-call.dynamodb.Query", count):
        minutes.stack.invoke("matcher", sqs_event("message_id", newer, MessageGroupId="one"))
        hurried_tick(minutes.stack)
    assert max(counts) == 4


def test_backlog_of_one_inbox_starves_no_other(minutes, monkeypatch):
    monkeypatch.setattr(late_queueing, "PAGE", 2)
    monkeypatch.setattr(late, "LIMIT", 3)
    posted = {inbox: minutes.post_late(n, inbox) for inbox, n in BACKLOGS.items()}
    minutes.tick_without_polls(5)
    minutes.poll()
    assert {inbox: len(minutes.matched(inbox)) for inbox in BACKLOGS} == dict.fromkeys(BACKLOGS, 2)
    minutes.pass_by(12, hurried_tick)
    assert {inbox: minutes.matched(inbox) for inbox in BACKLOGS} == posted
    assert (late_keys(), minutes.count_dead_letters()) == ([], 0)


BACKLOGS = {"one": 9, "two": 3, "two-plain": 2}


def test_marks_of_earlier_releases_are_renewed_in_pages(minutes, monkeypatch):
    monkeypatch.setattr(late_queueing, "PAGE", 2)
    message_ids = minutes.post_late(5)
    for second, message_id in enumerate(reversed(message_ids)):
        table.update(ids.key_of(message_id), attention.mark(Attention.UNQUEUED, second))
    for left in (3, 1, 0):
        hurried_tick(minutes.stack)
        assert len([key for key in late_keys() if not key.startswith("#")]) == left
    minutes.pass_by(3, hurried_tick)
    assert minutes.matched() == message_ids
    assert late_keys() == []
