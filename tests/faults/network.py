"""What lies between the functions and AWS, where one call goes wrong in one way.

It stands where botocore sends a request, and either lets moto answer it or does not: so what the
client does about it, its tries and its errors, is botocore's own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.retries.standard import RetryEventAdapter, StandardRetryConditions
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from openfn.storage import aws

SERVICES = ("dynamodb", "sqs", "s3", "secretsmanager")
# Secrets Manager's only call is not among them: that its client tries again is seen by no other.
_READS = ("dynamodb.Query", "dynamodb.BatchGetItem", "s3.GetObject")
_CODES = {"dynamodb": "InternalServerError", "sqs": "InternalFailure"}


class Way(StrEnum):
    """The ways in which a call goes wrong."""

    REFUSED = "refused at every try, before it took effect"
    LOST_ONCE = "it took effect, and the answer was lost"
    LOST = "the answer to every try was lost"
    THROTTLED = "throttled three times"
    DIES_BEFORE = "the process dies right before it"
    DIES_AFTER = "the process dies right after it"
    TWICE = "what was being worked on is delivered again meanwhile"


class Died(BaseException):
    """A function's process ended: nothing of it catches this, and nothing of it goes on."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was made: service and operation, and whether for what a queue delivered."""

    name: str
    delivered: bool
    partition: str = ""
    """What a query asks of a partition of the table, whichever it is."""

    def may_go(self, way):
        """Say whether it can go wrong in a way of its own.

        The client of SQS tries once. What is read a second time is the same as at first, and to
        die right after a read is to die right before it.
        """
        if way == Way.LOST_ONCE:
            return not self.name.startswith("sqs.") and self.name not in _READS
        if way == Way.DIES_AFTER:
            return self.name not in _READS
        return way != Way.TWICE or self.delivered


@dataclass(slots=True)
class _Process:
    counted: bool
    again: Callable[[], object] | None
    """Delivers to another process what this one is working on."""
    dead: bool = False
    attempt: int = 0
    call: int = -1


class Network:
    """The calls of the functions, and the one that is to go wrong: its number and the way."""

    def __init__(self):
        self.calls = []
        self.happened = False
        self._fault = None
        self._throttled = None
        self._process = ContextVar("process", default=None)

    def expect(self, call=None, way=None):
        """Count calls anew, and let one go wrong, or none."""
        self.calls, self.happened, self._throttled = [], False, None
        self._fault = None if way is None else (call, way)

    @contextmanager
    def process(self, again=None, *, counted=True) -> Iterator[None]:
        """Let a function's process live; only within one does anything go wrong."""
        token = self._process.set(_Process(counted, again))
        try:
            yield
        finally:
            self._process.reset(token)

    @contextmanager
    def between(self) -> Iterator[Network]:
        """Stand between the functions' clients and moto."""
        clients = [aws.client(service) for service in SERVICES]
        retries = [partial(_retry_at_once, client) for client in clients]
        for client, retry in zip(clients, retries, strict=True):
            events = client.meta.events
            events.unregister("before-send", botocore_stubber)
            events.register("before-call", self._begin)
            events.register("before-send", self._send)
            events.register_first(_retrying(client), retry)
        try:
            yield self
        finally:
            for client, retry in zip(clients, retries, strict=True):
                events = client.meta.events
                events.unregister("before-call", self._begin)
                events.unregister("before-send", self._send)
                events.unregister(_retrying(client), retry)
                events.register("before-send", botocore_stubber)

    def _begin(self, event_name, params, **_):
        process = self._process.get()
        if process is None:
            return
        if process.dead:
            raise Died
        process.attempt = 0
        if process.counted:
            process.call = len(self.calls)
            name = event_name.removeprefix("before-call.")
            self.calls.append(Call(name, process.again is not None, _partition(name, params)))

    def _send(self, event_name, request, **_):
        process, answer = self._process.get(), partial(botocore_stubber, event_name, request)
        if process is None:
            return answer()
        process.attempt += 1
        way = self._way(process, event_name)
        return answer() if way is None else self._go_wrong(way, process, request, answer)

    def _way(self, process, event_name):
        if self._throttled and self._throttled[0] == event_name and self._throttled[1]:
            self._throttled[1] -= 1
            return Way.THROTTLED
        if self._fault is None or not process.counted or process.call != self._fault[0]:
            return None
        way = self._fault[1]
        if process.attempt > 1 and way not in (Way.REFUSED, Way.LOST):
            return None
        if way == Way.THROTTLED:
            self._throttled = [event_name, 2]
        self.happened = True
        return way

    def _go_wrong(self, way, process, request, answer):
        match way:
            case Way.REFUSED:
                return _refusal(request, 500)
            case Way.THROTTLED:
                return _refusal(request, 400, "ThrottlingException")
            case Way.LOST_ONCE | Way.LOST:
                answer()
                raise ConnectionClosedError(endpoint_url=request.url, request=request)
            case Way.DIES_BEFORE | Way.DIES_AFTER:
                if way == Way.DIES_AFTER:
                    answer()
                process.dead = True
                raise Died
        if process.again:  # by another process, which is through with it before this one goes on
            thread = threading.Thread(target=process.again)
            thread.start()
            thread.join()
        return answer()


def _partition(name, params):
    asked = json.loads(params["body"]) if name == "dynamodb.Query" else {}
    return "" if "IndexName" in asked else asked.get("KeyConditionExpression", "")


def _retrying(client):
    # By its whole name, else botocore's own comes first, which waits.
    return f"needs-retry.{client.meta.service_model.service_id.hyphenize()}"


def _retry_at_once(client, **about):
    """Try again where botocore would, and without its wait."""
    policy = StandardRetryConditions(client.meta.config.retries["total_max_attempts"])
    again = policy.is_retryable(RetryEventAdapter().create_retry_context(**about))
    return 0 if again else None


def _refusal(request, status, code=None):
    service = request.url.split("//")[1].split(".")[0]
    if ".s3." in request.url or service == "s3":
        code = code and "SlowDown"
        status = 503 if code else status
        body = f"<Error><Code>{code or 'InternalError'}</Code><Message/></Error>"
    else:
        body = json.dumps({"__type": code or _CODES.get(service, "InternalServiceError")})
    headers = {"x-amzn-RequestId": "refused", "Content-Type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, status, headers, MockRawResponse(body))
