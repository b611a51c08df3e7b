"""A project, and posts to it that succeed or fail in every way that is counted."""

from __future__ import annotations

import json

from openfn import ids
from openfn.messages import store as messages
from openfn.messages.store import Message
from tests.conftest import post, tick
from tests.support.call_hooks import hook_aws_call
from tests.support.fake_destination import FakeDestination
from tests.support.stack_client import without_queue

PROJECT = """
    triggers:
      good: {inclusion: {kind: good}}
      bad: {inclusion: {kind: bad}}
      unavailable: {inclusion: {kind: unavailable}}
      emitting: {inclusion: {kind: emitting}}
      hourly: {cron: "0 * * * *"}
    credentials:
      remote: {adaptor: http}
    jobs:
      good: {trigger: good, expression: jobs/good.py}
      bad: {trigger: bad, expression: jobs/bad.py}
      unavailable:
        {trigger: unavailable, credential: remote, expression: jobs/unavailable.py}
      emitting: {trigger: emitting, expression: jobs/emitting.py}
      hourly: {trigger: hourly, expression: jobs/good.py}
"""
JOBS = {
    "good": "from adaptors.common import fn\nfn(lambda state: state)\n",
    "bad": "from adaptors.common import fn\nfn(lambda state: 1 / 0)\n",
    "unavailable": "from adaptors.http import post\npost('records', {'a': 1})\n",
    "emitting": "from adaptors.common import emit\nemit('inbox-a', {'kind': 'good'})\n",
}


def body_of_kind(kind):
    return json.dumps({"kind": kind})


def send_healthy_traffic(stack):
    """Post messages whose runs succeed, and let the cron job run once."""
    for kind in ("good", "emitting", "other"):
        post(stack, body_of_kind(kind))
    stack.drain()
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()


def send_failing_traffic(stack):
    """Let posts, runs, queues and a destination fail."""
    fail_destination(stack)
    post(stack, body_of_kind("bad"))
    stack.drain()
    post(stack, "neither JSON nor XML")
    post(stack, "{}", inbox="no-such-inbox")
    queue_unmatchable_message(stack)
    with hook_aws_call("before-call.dynamodb.PutItem", raise_connection_error):
        post(stack, body_of_kind("good"))
    with without_queue(stack, "MATCH_QUEUE_URL"):
        post(stack, body_of_kind("good"))
    tick(stack, "2026-03-09T10:01:00Z")
    stack.drain()


def queue_unmatchable_message(stack):
    """Store and queue a message that an inbox would have refused, and let it be matched."""
    message = Message(ids.new_message_id(), "inbox-a", b"{")
    messages.store(message)
    messages.queue(message.id, message.inbox)
    stack.drain()
    return message.id


def fail_destination(stack):
    """Let the destination answer 503 until its circuit opens."""
    remote = FakeDestination()
    remote.default_status = 503
    with remote.running():
        stack.set_credential("remote", {"baseUrl": remote.url})
        for _ in range(5):
            post(stack, body_of_kind("unavailable"))
        stack.drain()


def raise_connection_error(**_):
    raise ConnectionError("DynamoDB is unavailable")
