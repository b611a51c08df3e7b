"""Errors of the local store, with the codes of the AWS service that each call stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openfn.storage.errors import CallRefused


class ConditionalCheckFailed(CallRefused):
    """The condition of a write does not hold; `item` is the stored item, if it was requested."""

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        details = {"Item": item} if item else {}
        super().__init__(
            "ConditionalCheckFailedException", "The conditional request failed", details
        )


class TransactionCanceled(CallRefused):
    """A transaction wrote nothing; `reasons` has one entry for each of its writes."""

    def __init__(self, reasons: Sequence[dict[str, Any]]) -> None:
        codes = ", ".join(reason["Code"] for reason in reasons)
        super().__init__(
            "TransactionCanceledException",
            f"Transaction cancelled, please refer cancellation reasons [{codes}]",
            {"CancellationReasons": list(reasons)},
        )


def invalid_request(message: str) -> CallRefused:
    """Return the error for a request that DynamoDB would refuse whatever the table holds."""
    return CallRefused("ValidationException", message)


def unknown_resource(code: str, name: str) -> CallRefused:
    """Return the error for a table, queue, object or secret that does not exist."""
    return CallRefused(code, f"{name} does not exist.")
