"""A stack whose work can be interrupted at any call, with the deliveries it still owes."""

from __future__ import annotations

import io
import json
import sys
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import UTC, datetime, timedelta

import boto3
from botocore.exceptions import EndpointConnectionError

from tests.conftest import post, tick
from tests.support.call_hooks import hook_aws_call
from tests.upgrade import organization
from workbench.cli import main
from workbench.local import event_source

DAY = datetime(2026, 3, 9, 3, tzinfo=UTC)
LONGER_THAN_ANY_LEASE = timedelta(seconds=400)
_RECEIPTS = 20


class Died(BaseException):
    """The process of a function ended."""


class Recorder:
    """Interrupts the work of a stack, and collects the situations and their deliveries."""

    def __init__(self, embedded, clock, statuses, folder):
        self.embedded, self.clock, self.statuses, self.folder = embedded, clock, statuses, folder
        self.situations = {}

    def expect(self, situation, *deliveries, **more):
        """Add a situation with the deliveries that must still follow, in order."""
        self.situations[situation] = {"deliveries": list(deliveries), **more}

    def post(self, inbox, **record):
        """Post a record to an inbox and return the message's id."""
        answer = post(self.embedded, json.dumps(record), inbox=organization.inbox_id(inbox))
        assert answer["statusCode"] == 200, answer
        return answer["headers"]["X-Message-Id"]

    def poll(self, function):
        """Invoke a function with one batch of its queue and return the batch's size."""
        mappings = self.embedded.resources.mappings
        return event_source.poll(
            next(mapping for mapping in mappings if mapping.function == function),
            self.embedded.invoke,
        )

    def match(self):
        """Match all messages that can be received now."""
        while self.poll("matcher"):
            pass

    def run(self):
        """Execute all runs that can be received now."""
        while self.poll("runner"):
            pass

    def exhaust(self, function):
        """Let a function receive what fails until it is in the dead-letter queue."""
        mappings = self.embedded.resources.mappings
        url = next(mapping.queue_url for mapping in mappings if mapping.function == function)
        _limit_receives(url)
        for _ in range(_RECEIPTS + 1):
            self.poll(function)
            self.clock.shift(LONGER_THAN_ANY_LEASE)

    def tick(self, hour, minute):
        """Invoke the tick of a minute."""
        self.clock.move_to(DAY.replace(hour=hour, minute=minute, second=2))
        tick(self.embedded, f"{DAY.replace(hour=hour, minute=minute):%Y-%m-%dT%H:%M:%SZ}")

    def replay(self, run_id):
        """Replay a run with the command line and return the exit status."""
        sys.argv = ["ofn", "replay", run_id, "--json", "--project", str(self.folder)]
        with redirect_stdout(io.StringIO()):
            try:
                main.main()
            except SystemExit as ended:
                return ended.code or 0
        raise AssertionError("the command line did not exit")


@contextmanager
def dying_at(call):
    """Kill the process of a function when it makes a call, such as `dynamodb.PutItem`."""
    with hook_aws_call(f"before-call.{call}", _raising(Died())), suppress(Died):
        yield


@contextmanager
def failing(call):
    """Let a call to AWS fail."""
    error = EndpointConnectionError(endpoint_url="https://aws.example")
    with hook_aws_call(f"before-call.{call}", _raising(error)):
        yield


def _raising(error):
    def handler(**_):
        raise error

    return handler


def _limit_receives(queue_url):
    """Let a queue give up earlier than the stack's: the run queue delivers an id 1,000 times."""
    sqs, names = boto3.client("sqs"), ["RedrivePolicy"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    policy = json.loads(attributes["RedrivePolicy"]) | {"maxReceiveCount": _RECEIPTS}
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": json.dumps(policy)})
