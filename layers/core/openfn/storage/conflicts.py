"""Writes of the table that meet a transaction on the same item: DynamoDB refuses one of both."""

from __future__ import annotations

import random
import time
from typing import Any, cast

from botocore.exceptions import ClientError

from openfn.storage.aws import Item, client

_CONFLICTS = {"TransactionConflict", "TransactionConflictException", "None"}
_WAITS = (0.05, 0.1, 0.2, 0.3)


def write(operation: str, **request: Any) -> Any:
    """Write; repeat a write that meets a transaction, since botocore does not repeat it."""
    call = getattr(client("dynamodb"), operation)
    for seconds in _WAITS:
        try:
            return call(**request)
        except ClientError as error:
            codes = {str(reason.get("Code")) for reason in cancellation_reasons(error)}
            if not codes <= _CONFLICTS:
                raise
        time.sleep(random.uniform(seconds / 2, seconds))  # noqa: S311 - not a secret
    return call(**request)


def cancellation_reasons(error: ClientError) -> list[Item]:
    """Return why each item of a transaction was refused, or the one reason of another write."""
    response = cast("Item", error.response)
    reasons: list[Item] = response.get("CancellationReasons", [{**response, **response["Error"]}])
    return reasons
