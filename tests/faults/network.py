"""Inject faults into AWS calls of the functions: into some calls, or into all that a rule selects.

A fault is injected where botocore sends a request: moto responds, or does not. So the retries and
errors of the client are botocore's own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.retries.standard import RetryEventAdapter, StandardRetryConditions
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from openfn.storage import boto3_services
from tests.faults import call_kinds, direct_moto
from workbench.local import resources

SERVICES = ("dynamodb", "sqs", "s3", "secretsmanager")
# Without Secrets Manager's only call, whose retries nothing else observes.
_READS = ("dynamodb.Query", "dynamodb.BatchGetItem", "s3.GetObject", "s3.ListObjectsV2")
# The simulation's own calls to these services are not counted and cannot fail.
_DIRECT = ("dynamodb", "sqs")
_CODES = {"dynamodb": "InternalServerError", "sqs": "InternalFailure"}


class Fault(StrEnum):
    """How a call fails."""

    REFUSED = "every try is refused before it takes effect"
    LOST_ONCE = "it takes effect, but the first response is lost"
    LOST = "it takes effect, but every response is lost"
    THROTTLED = "throttled three times"
    DIES_BEFORE = "the process dies right before it"
    DIES_AFTER = "the process dies right after it"
    TWICE = "the same event is delivered again meanwhile"


class Died(BaseException):
    """A function's process died; its own code must not catch this."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: service and operation, and whether a queue delivered the event."""

    name: str
    delivered: bool
    partition: str = ""
    """The condition of a query, which is the same for all partitions."""
    kind: str = field(default="", compare=False)
    """The function and the request without most of its values: the same for the same code."""

    def has_own(self, fault):
        """Return whether the fault differs from the other faults for this call.

        A repeated read returns the same, and dying after a read is like dying before it.
        """
        if fault in (Fault.LOST_ONCE, Fault.DIES_AFTER):
            return self.name not in _READS
        return fault != Fault.TWICE or self.delivered


@dataclass(slots=True)
class _Process:
    counted: bool
    again: Callable[[], object] | None
    """Delivers the same event to another process."""
    dead: bool = False
    attempt: int = 0
    call: int = -1


class Network:
    """Records the calls of the functions and lets some of them fail."""

    def __init__(self):
        self.calls = []
        self.happened = 0
        self._faults = {}
        self._rule = None
        self._throttled = None
        self._process = ContextVar("process", default=None)

    def expect(self, *faults):
        """Reset the calls; let some fail, each by its number and fault."""
        self.calls, self.happened, self._throttled = [], 0, None
        self._faults = dict(faults)

    def fail_whenever(self, rule=None):
        """Let a rule choose the fault of every try of a call, from the call's name and body."""
        self._rule = rule

    @contextmanager
    def process(self, again=None, *, counted=True) -> Iterator[None]:
        """Run a function's process; only calls inside one can fail."""
        token = self._process.set(_Process(counted, again))
        try:
            yield
        finally:
            self._process.reset(token)

    @contextmanager
    def installed(self) -> Iterator[Network]:
        """Install the network between the functions' clients and moto."""
        clients = [boto3_services.client(service) for service in SERVICES]
        own_events = [resources.client(service).meta.events for service in _DIRECT]
        retries = [partial(_retry_at_once, client) for client in clients]
        for client, retry in zip(clients, retries, strict=True):
            events = client.meta.events
            events.unregister("before-send", botocore_stubber)
            events.register("before-call", self._before_call)
            events.register("choose-signer", _choose_no_signer)  # signatures take time
            events.register("before-send", self._send)
            events.register_first(_retrying(client), retry)
        for events in own_events:
            events.unregister("before-send", botocore_stubber)
            events.register("before-send", direct_moto.respond)
        try:
            yield self
        finally:
            for events in own_events:
                events.unregister("before-send", direct_moto.respond)
                events.register("before-send", botocore_stubber)
            for client, retry in zip(clients, retries, strict=True):
                events = client.meta.events
                events.unregister("before-call", self._before_call)
                events.unregister("choose-signer", _choose_no_signer)
                events.unregister("before-send", self._send)
                events.unregister(_retrying(client), retry)
                events.register("before-send", botocore_stubber)

    def _before_call(self, event_name, params, **_):
        process = self._process.get()
        if process is None:
            return
        if process.dead:
            raise Died
        process.attempt = 0
        if process.counted:
            process.call = len(self.calls)
            name = event_name.removeprefix("before-call.")
            kind = call_kinds.kind_of(name, params)
            delivered = process.again is not None
            self.calls.append(Call(name, delivered, _partition(name, params), kind))

    def _send(self, event_name, request, **_):
        process, respond = self._process.get(), partial(direct_moto.respond, event_name, request)
        if process is None:
            return respond()
        process.attempt += 1
        fault = self._next_fault(process, event_name)
        if fault is None and self._rule:
            fault = self._rule(event_name.removeprefix("before-send."), _text(request.body))
        return respond() if fault is None else _fail(fault, process, request, respond)

    def _next_fault(self, process, event_name):
        if self._throttled and self._throttled[0] == event_name and self._throttled[1]:
            self._throttled[1] -= 1
            return Fault.THROTTLED
        fault = self._faults.get(process.call) if process.counted else None
        if fault is None:
            return None
        if process.attempt > 1 and fault not in (Fault.REFUSED, Fault.LOST):
            return None
        if fault == Fault.THROTTLED:
            self._throttled = [event_name, 2]
        self.happened += process.attempt == 1
        return fault


def _choose_no_signer(**_):
    return UNSIGNED


def dies_while_it_matches(message_id):
    """Return a rule: a matcher dies while it compares a message with the triggers."""

    def rule(name, body):
        if name == "dynamodb.UpdateItem" and '"SET #matching' in body:
            return Fault.DIES_AFTER if f'"{message_id}"' in body else None
        creates_runs = name in ("dynamodb.PutItem", "dynamodb.TransactWriteItems")
        return Fault.DIES_BEFORE if creates_runs and f'"{message_id}#' in body else None

    return rule


def _text(body):
    return body.decode() if isinstance(body, bytes) else str(body)


def _fail(fault, process, request, respond):
    match fault:
        case Fault.REFUSED:
            return _refusal(request, 500)
        case Fault.THROTTLED:
            return _refusal(request, 400, "ThrottlingException")
        case Fault.LOST_ONCE | Fault.LOST:
            respond()
            raise ConnectionClosedError(endpoint_url=request.url, request=request)
        case Fault.DIES_BEFORE | Fault.DIES_AFTER:
            if fault == Fault.DIES_AFTER:
                respond()
            process.dead = True
            raise Died
    if process.again:  # another process finishes before this one continues
        thread = threading.Thread(target=process.again)
        thread.start()
        thread.join()
    return respond()


def _partition(name, params):
    query = json.loads(params["body"]) if name == "dynamodb.Query" else {}
    return "" if "IndexName" in query else query.get("KeyConditionExpression", "")


def _retrying(client):
    # The full name, because botocore's own handler, which waits, would come first otherwise.
    return f"needs-retry.{client.meta.service_model.service_id.hyphenize()}"


def _retry_at_once(client, **context):
    """Retry where botocore would, but without its wait."""
    policy = StandardRetryConditions(client.meta.config.retries["total_max_attempts"])
    again = policy.is_retryable(RetryEventAdapter().create_retry_context(**context))
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
