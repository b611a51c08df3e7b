"""Services that put every call to the local store and to moto, and compare what both answer.

moto is no judge of the order of equal sort keys, and it has ids, receipts and names of its own.
"""

from __future__ import annotations

import io
import json
from contextlib import ExitStack, contextmanager

from openfn.storage import services
from openfn.storage.boto3_services import Boto3Services
from openfn.storage.errors import CallRefused
from workbench.local import resources as moto_resources
from workbench.local.stack import create_in_memory

_COMPARED = {"dynamodb", "sqs", "s3", "secretsmanager"}
_OF_MESSAGES = {
    "ApproximateReceiveCount",
    "MessageDeduplicationId",
    "MessageGroupId",
}


@contextmanager
def create(parameters):
    """Create the template's resources in memory and in moto; both answer all calls."""
    with ExitStack() as context:
        in_moto = context.enter_context(moto_resources.create(parameters))
        created = context.enter_context(create_in_memory(parameters))
        names = {
            name: in_moto.physical_ids[logical_id]
            for logical_id, name in created.physical_ids.items()
            if logical_id in in_moto.physical_ids
        }
        compared = ComparedServices(services.current(), Boto3Services(), names)
        context.enter_context(services.use(compared))
        yield created


class ComparedServices:
    """The local store, whose answers must be those of moto."""

    def __init__(self, local, moto, names):
        self.calls = 0
        self._local, self._moto, self._names = local, moto, names
        self._handles = {}

    def __getattr__(self, name):
        return getattr(self._local, name)

    def call(self, service, operation, request):
        """Call an operation of both; return or raise what the local store does."""
        if service not in _COMPARED:
            return self._local.call(service, operation, request)
        self.calls += 1
        answer, error = _answer(self._local, service, operation, request)
        theirs, their_error = _answer(self._moto, service, operation, self._translated(request))
        if operation == "receive_message" and answer and theirs:
            self._note_handles(answer, theirs)
        ours = _comparable(operation, answer, error, self._names)
        judged = _comparable(operation, theirs, their_error, {})
        assert ours == judged, f"{service} {operation} {request}: {ours} but in moto {judged}"
        if error:
            raise error
        return answer

    def _translated(self, value):
        """Return a request with moto's names and receipts."""
        if isinstance(value, dict):
            return {self._names.get(k, k): self._translated(part) for k, part in value.items()}
        if isinstance(value, list):
            return [self._translated(part) for part in value]
        if isinstance(value, str):
            return self._handles.get(value) or self._names.get(value, value)
        return value

    def _note_handles(self, answer, theirs):
        handles = {_identity(message): message["ReceiptHandle"] for message in theirs["Messages"]}
        for message in answer["Messages"]:
            self._handles[message["ReceiptHandle"]] = handles.get(_identity(message))


def _answer(target, service, operation, request):
    try:
        answer = target.call(service, operation, request)
    except CallRefused as error:
        return None, error
    if operation == "get_object":
        answer["Body"] = io.BytesIO(answer["Body"].read())
    return answer, None


def _identity(message):
    return message["Attributes"]["MessageDeduplicationId"]


def _comparable(operation, answer, error, names):
    """Return what both must agree in: all but ids, receipts, names and the order of equal keys."""
    if error:
        reasons = error.response.get("CancellationReasons", [])
        codes = [(reason["Code"], reason.get("Item")) for reason in reasons]
        return error.code, codes, error.response.get("Item")
    read = _PARTS.get(operation, lambda answer: answer.get("Attributes"))
    if operation == "batch_get_item":
        return {names.get(k, k): sorted(v, key=str) for k, v in answer["Responses"].items()}
    return read(answer)


def _page(answer):
    items = sorted(json.dumps(item, default=str, sort_keys=True) for item in answer["Items"])
    return items, answer["Count"], "LastEvaluatedKey" in answer


def _messages(answer):
    return [
        (message["Body"], {name: message["Attributes"][name] for name in _OF_MESSAGES})
        for message in answer.get("Messages", [])
    ]


def _sent(answer):
    return sorted(entry["Id"] for entry in answer["Successful"]), answer.get("Failed", [])


_PARTS = {
    "receive_message": _messages,
    "query": _page,
    "send_message_batch": _sent,
    "get_object": lambda answer: answer["Body"].getvalue(),
    "get_secret_value": lambda answer: answer["SecretString"],
    "get_queue_attributes": lambda _answer: None,
}
