"""Writes of the table that meet a transaction on the same item: DynamoDB refuses one of both."""

from __future__ import annotations

import random
import time
from typing import Any

from openfn.storage import services
from openfn.storage.dynamodb_values import Item
from openfn.storage.errors import CallRefused

_CONFLICTS = {"TransactionConflict", "TransactionConflictException", "None"}
_WAITS = (0.05, 0.1, 0.2, 0.3)


def write(operation: str, **request: Any) -> Any:
    """Write; repeat a write that meets a transaction, since boto3 does not repeat it."""
    for seconds in _WAITS:
        try:
            return services.call("dynamodb", operation, **request)
        except CallRefused as error:
            codes = {str(reason.get("Code")) for reason in cancellation_reasons(error)}
            if not codes <= _CONFLICTS:
                raise
        time.sleep(random.uniform(seconds / 2, seconds))  # noqa: S311 - not a secret
    return services.call("dynamodb", operation, **request)


def cancellation_reasons(error: CallRefused) -> list[Item]:
    """Return why each item of a transaction was refused, or the one reason of another write."""
    response = error.response
    reasons: list[Item] = response.get("CancellationReasons", [{**response, **response["Error"]}])
    return reasons
