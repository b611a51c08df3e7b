"""Inject faults into the functions' calls of their services, by number or by a rule.

A fault is injected between the functions and the store. Like boto3, the network makes two tries of
a call, and repeats one that was refused by a failing service, throttled, or had no response.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from openfn.storage import services
from openfn.storage.errors import CallFailed, CallRefused
from tests.faults import call_kinds

# Without Secrets Manager's only call, whose retries nothing else observes.
_READS = ("dynamodb.Query", "dynamodb.BatchGetItem", "s3.GetObject", "s3.ListObjectsV2")
_CODES = {"dynamodb": "InternalServerError", "sqs": "InternalFailure", "s3": "InternalError"}
_TRIES = 2


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
        self._services = None

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
        """Install the network between the functions and their services."""
        self._services = services.current()
        with services.use(self):
            yield self

    def __getattr__(self, name):
        return getattr(self._services, name)

    def prepare(self, service):
        """Do nothing, as the store."""

    def call(self, service, operation, request):
        """Pass a call on, unless a fault is due."""
        name = f"{service}.{_camel_case(operation)}"
        process = self._process.get()
        respond = partial(self._services.call, service, operation, request)
        if process is None:
            return respond()
        if process.dead:
            raise Died
        if process.counted:
            process.call = len(self.calls)
            kind, delivered = call_kinds.kind_of(name, request), process.again is not None
            self.calls.append(Call(name, delivered, _partition(name, request), kind))
        for process.attempt in range(1, _TRIES + 1):
            try:
                return self._try(name, request, process, respond)
            except _NoResponse as error:
                failure = error.failure
        raise failure

    def _try(self, name, request, process, respond):
        fault = self._next_fault(process, name)
        if fault is None and self._rule:
            fault = self._rule(name, json.dumps(request, default=str))
        return respond() if fault is None else _fail(fault, process, name, respond)

    def _next_fault(self, process, name):
        fault = self._faults.get(process.call) if process.counted else None
        if fault is None and self._throttled and self._throttled[0] == name and self._throttled[1]:
            self._throttled[1] -= 1
            return Fault.THROTTLED
        if fault is None:
            return None
        if process.attempt > 1 and fault not in (Fault.REFUSED, Fault.LOST):
            return None
        if fault == Fault.THROTTLED:
            self._throttled = [name, 2]
        self.happened += process.attempt == 1
        return fault


def dies_while_it_matches(message_id):
    """Return a rule: a matcher dies while it compares a message with the triggers."""

    def rule(name, body):
        if name == "dynamodb.UpdateItem" and '"SET #matching' in body:
            return Fault.DIES_AFTER if f'"{message_id}"' in body else None
        creates_runs = name in ("dynamodb.PutItem", "dynamodb.TransactWriteItems")
        return Fault.DIES_BEFORE if creates_runs and f'"{message_id}#' in body else None

    return rule


class _NoResponse(Exception):
    """A try that boto3 repeats; `failure` is the error of the last one."""

    def __init__(self, failure):
        super().__init__()
        self.failure = failure


def _fail(fault, process, name, respond):
    service = name.partition(".")[0]
    match fault:
        case Fault.REFUSED:
            raise _NoResponse(CallRefused(_CODES.get(service, "InternalServiceError"), "refused"))
        case Fault.THROTTLED:
            code = "SlowDown" if service == "s3" else "ThrottlingException"
            raise _NoResponse(CallRefused(code, "throttled"))
        case Fault.LOST_ONCE | Fault.LOST:
            with suppress(CallRefused):  # the refusal is lost as well
                respond()
            raise _NoResponse(CallFailed("ConnectionClosedError", "The response was lost."))
        case Fault.DIES_BEFORE | Fault.DIES_AFTER:
            if fault == Fault.DIES_AFTER:
                with suppress(CallRefused):
                    respond()
            process.dead = True
            raise Died
    if process.again:  # another process finishes before this one continues
        thread = threading.Thread(target=process.again)
        thread.start()
        thread.join()
    return respond()


def _partition(name, request):
    is_main = name == "dynamodb.Query" and "IndexName" not in request
    return request["KeyConditionExpression"] if is_main else ""


def _camel_case(operation):
    return "".join(word.capitalize() for word in operation.split("_"))
