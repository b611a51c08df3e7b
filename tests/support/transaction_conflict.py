"""Let DynamoDB refuse a write once because a transaction has the same item."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

from tests.support.call_hooks import hook_aws_call

_TRANSACTION = {
    "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
    "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
}
_SINGLE = {"Error": {"Code": "TransactionConflictException", "Message": "Transaction is ongoing"}}


@contextmanager
def refuse_once(operation):
    """Refuse the first call of a DynamoDB operation of the current stack; yield its calls."""
    response = _TRANSACTION if operation == "TransactWriteItems" else _SINGLE
    calls = []

    def refuse(**_):
        calls.append(1)
        return (SimpleNamespace(status_code=400), response) if len(calls) == 1 else None

    with hook_aws_call(f"before-call.dynamodb.{operation}", refuse):
        yield calls
    assert calls, f"the test made no call of {operation}"
