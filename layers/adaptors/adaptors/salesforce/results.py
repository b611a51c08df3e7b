"""The result of each record: Salesforce answers 200 even if it refuses all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, next_state
from adaptors.salesforce.error_codes import (
    code_of,
    describe_error,
    errors_of,
    is_retryable_error,
)

Row = Mapping[str, Any]
"""The result of one record: `id`, `success` and `errors`."""
Summary = dict[str, Any]
_CODES_OF_OTHER_RECORDS = {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"}
_MAX_INDEXES = 100  # in an error


@dataclass(frozen=True, slots=True)
class Write:
    """A write: its name in error messages, whether it is idempotent, and an upsert's key."""

    sobject: str
    participle: str
    idempotent: bool = True
    key: str | None = None


def state_after(state: State, response: Any) -> State:
    """Put a response in `data`, and at the front of `references` before the previous `data`.

    In OpenFn's jobs for Salesforce the newest reference is Salesforce's last response, so that
    `last_reference_value("id")` is the id of the new record; this also works inside `each`.

    >>> state_after({"data": {"name": "Amina"}, "references": []}, {"id": "003x"})["references"]
    [{'id': '003x'}, {'name': 'Amina'}]
    """
    state = next_state(state, response)
    return {**state, "references": [response, *state["references"]]}


def read_rows(body: Any, count: int, write: Write) -> list[Row]:
    """Return the rows of a response; raise `RemoteRefused` unless it has one for each record."""
    rows = body if isinstance(body, list) else []
    if len(rows) == count and all(isinstance(row, Mapping) for row in rows):
        return rows
    raise RemoteRefused(
        f"Salesforce's response does not have one result for each of {count} records of "
        f"{write.sobject}. Check in Salesforce which of them were {write.participle}."
    )


def summarize(rows: Sequence[Row]) -> Summary:
    """Return OpenFn's summary of rows; an error has its record's `index`, counted from 0.

    >>> summarize([{"id": "003x", "success": True, "errors": []}])
    {'success': True, 'completed': ['003x'], 'errors': []}
    """
    errors = [
        {
            "index": index,
            "id": row.get("id"),
            "statusCode": code_of(error),
            "fields": error.get("fields") or [],
            "message": error.get("message", ""),
        }
        for index, row in enumerate(rows)
        if not _succeeded(row)
        for error in errors_of(row.get("errors")) or [{}]
    ]
    completed = [row.get("id") for row in rows if _succeeded(row)]
    return {"success": not errors, "completed": completed, "errors": errors}


def raise_for_rows(rows: Sequence[Row], write: Write) -> Summary:
    """Return the summary if every record succeeded; else raise an error that names the others.

    The error is retryable if all codes are, and if a retry writes nothing twice.
    """
    summary = summarize(rows)
    if summary["success"]:
        return summary
    _log(summary, write)
    errors = [e for e in summary["errors"] if e["statusCode"] not in _CODES_OF_OTHER_RECORDS]
    retryable = bool(errors) and all(is_retryable_error(error, write.key) for error in errors)
    raise _error(_describe(summary, write), summary, write, retryable=retryable)


def partial_failure(error: AdaptorError, rows: Sequence[Row], write: Write) -> AdaptorError:
    """Return the error of one request of several, with the results of the requests before it."""
    if not rows:
        return error
    summary = summarize(rows)
    _log(summary, write)
    text = f"{str(error).rstrip('.')}. Before that, {_describe(summary, write)}"
    retryable = isinstance(error, RemoteUnavailable)
    combined = _error(text, summary, write, retryable=retryable)
    if isinstance(combined, RemoteUnavailable) and isinstance(error, RemoteUnavailable):
        combined.retry_after = error.retry_after
    return combined


def _error(text: str, summary: Mapping[str, Any], write: Write, *, retryable: bool) -> AdaptorError:
    if retryable and (write.idempotent or not summary["completed"]):
        return RemoteUnavailable(text)
    if retryable:
        text += (
            " A retry would create these a second time, so the run is not retried. Send the "
            "others in a separate run, and use upsert or all_or_none in the future."
        )
    return RemoteRefused(text)


def _succeeded(row: Row) -> bool:
    return row.get("success") is True


def _describe(summary: Mapping[str, Any], write: Write) -> str:
    indexes: dict[str, list[int]] = {}
    for error in summary["errors"]:
        indexes.setdefault(describe_error(error), []).append(error["index"])
    text = f"{write.sobject}: {len(summary['completed'])} {write.participle}"
    if not indexes:
        return f"{text}."
    failed = len({error["index"] for error in summary["errors"]})
    parts = [f"{error} at index {_join(group)}" for error, group in indexes.items()]
    return f"{text}, {failed} failed: {'; '.join(parts)}."


def _join(indexes: Sequence[int]) -> str:
    more = f" and {len(indexes) - _MAX_INDEXES} more" if len(indexes) > _MAX_INDEXES else ""
    return f"{', '.join(map(str, indexes[:_MAX_INDEXES]))}{more}"


def _log(summary: Mapping[str, Any], write: Write) -> None:
    for error in summary["errors"]:
        print(f"record {error['index']}: {describe_error(error)}: {error['message']}")
    if not write.idempotent:
        print(f"{write.participle}: {json.dumps(summary['completed'])}")
