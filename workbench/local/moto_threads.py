"""Make moto's DynamoDB and SQS safe for several threads.

moto checks a condition and writes in two steps, and iterates over collections that other threads
change, so only one call runs at a time. When the visibility timeout of a whole FIFO batch ends,
moto would deliver its last message first. Before each transaction, moto makes a deep copy of the
whole table; here the copy shares the values.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.responses import SQSResponse

CallAction = Callable[[Any], Any]
_lock = threading.RLock()


@contextmanager
def serialize_calls() -> Iterator[None]:
    """Make moto handle one call to DynamoDB or SQS at a time."""
    handlers: tuple[Any, ...] = (DynamoHandler, SQSResponse)
    table: Any = Table
    table.__deepcopy__ = _copy_table
    originals = [handler.call_action for handler in handlers]
    for handler, original in zip(handlers, originals, strict=True):
        handler.call_action = _serialized(original)
    try:
        yield
    finally:
        del table.__deepcopy__
        for handler, original in zip(handlers, originals, strict=True):
            handler.call_action = original


def _serialized(call: CallAction) -> CallAction:
    @wraps(call)
    def call_with_lock(handler: Any) -> Any:
        is_long_poll = isinstance(handler, SQSResponse) and handler._get_param("WaitTimeSeconds")  # noqa: SLF001 - it must not block others
        if is_long_poll:
            return call(handler)
        with exclusive(handler):
            return call(handler)

    return call_with_lock


@contextmanager
def exclusive(handler: Any) -> Iterator[None]:
    """Let no other call be handled meanwhile."""
    with _lock:
        if isinstance(handler, SQSResponse):
            _release_expired(handler)
        yield


def _copy_table(table: Any, _memo: dict[int, Any]) -> Any:
    copied = copy.copy(table)
    copied.items = defaultdict(dict)
    for key, items in table.items.items():
        copied.items[key] = {sort_key: _copy_item(item) for sort_key, item in items.items()}
    return copied


def _copy_item(item: Any) -> Any:
    copied = copy.copy(item)
    copied.attrs = copy.copy(item.attrs)
    return copied


def _release_expired(handler: SQSResponse) -> None:
    for queue in handler.sqs_backend.queues.values():
        expired = {message for message in queue.pending_messages if message.visible}
        queue.pending_messages.difference_update(expired)
