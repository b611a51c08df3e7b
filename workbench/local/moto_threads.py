"""moto's table and queues made fit for several threads at once, as DynamoDB and SQS are.

moto checks a condition and writes in two steps, and walks what another thread may be changing. So
calls are made one at a time here. Where a whole batch of a FIFO queue was given up on, moto would
deliver its last message first. And for each transaction it copies the whole table to the last
value; here the copy it goes back to, should the transaction fail, shares the values.
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

Call = Callable[[Any], Any]
_lock = threading.RLock()


@contextmanager
def one_call_at_a_time() -> Iterator[None]:
    """Let moto handle one call to the table or a queue at a time for as long as this lasts."""
    handlers: tuple[Any, ...] = (DynamoHandler, SQSResponse)
    table: Any = Table
    table.__deepcopy__ = _copied
    originals = [handler.call_action for handler in handlers]
    for handler, original in zip(handlers, originals, strict=True):
        handler.call_action = _alone(original)
    try:
        yield
    finally:
        del table.__deepcopy__
        for handler, original in zip(handlers, originals, strict=True):
            handler.call_action = original


def _alone(call: Call) -> Call:
    @wraps(call)
    def alone(handler: Any) -> Any:
        if isinstance(handler, SQSResponse):
            if handler._get_param("WaitTimeSeconds"):  # noqa: SLF001 - a wait must not hold up others
                return call(handler)
            with _lock:
                _give_up(handler)
                return call(handler)
        with _lock:
            return call(handler)

    return alone


def _copied(table: Any, _memo: dict[int, Any]) -> Any:
    copied = copy.copy(table)
    copied.items = defaultdict(dict)
    for key, items in table.items.items():
        copied.items[key] = {each: _copied_item(item) for each, item in items.items()}
    return copied


def _copied_item(item: Any) -> Any:
    copied = copy.copy(item)
    copied.attrs = copy.copy(item.attrs)
    return copied


def _give_up(handler: SQSResponse) -> None:
    for queue in handler.sqs_backend.queues.values():
        expired = {message for message in queue.pending_messages if message.visible}
        queue.pending_messages.difference_update(expired)
