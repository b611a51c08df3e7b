"""Write records: one in a request of its own, or up to 200 in one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from adaptors._http.request import Request
from adaptors.errors import AdaptorError, ConfigurationError
from adaptors.operations import State
from adaptors.salesforce.client import call_rest_api
from adaptors.salesforce.records import Record
from adaptors.salesforce.results import (
    Row,
    Write,
    partial_failure,
    raise_for_rows,
    read_rows,
)

DRY_RUN_ROW: Row = {"id": "000000000000000AAA", "success": True, "errors": []}
"""The result of a record in a dry run."""
_MAX_RECORDS = 200  # of one request
T = TypeVar("T")


def write_one(
    state: State, request: Request, write: Write, row_without_body: Row | None = None
) -> dict[str, Any]:
    """Send the request that writes one record, and return the summary with its `id`.

    `row_without_body` is the record's result if the response has no body.
    """
    body = call_rest_api(state, replace(request, dry_run_response=DRY_RUN_ROW))
    row = row_without_body if body is None and row_without_body is not None else body
    summary = raise_for_rows(read_rows([row], 1, write), write)
    created = {"created": row["created"]} if "created" in row else {}
    return {"id": row.get("id"), **created, **summary}


def write_many(
    state: State,
    request: Request,
    records: Sequence[Record],
    write: Write,
    *,
    all_or_none: bool,
    positions: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Write records in requests of 200, and return the summary.

    `positions` are those of the job's records, if several of them are one record.
    """
    _require_one_request(records, all_or_none=all_or_none)

    def send(chunk: Sequence[Record]) -> list[Row]:
        typed = [{"attributes": {"type": write.sobject}, **record} for record in chunk]
        body = {"allOrNone": all_or_none, "records": typed}
        return _send_chunk(state, replace(request, json=body), len(chunk), write)

    rows = _send_chunks(records, send, write)
    return raise_for_rows(rows if positions is None else [rows[n] for n in positions], write)


def delete_many(
    state: State,
    request: Request,
    ids: Sequence[str],
    write: Write,
    *,
    all_or_none: bool,
) -> list[Row]:
    """Delete records in requests of 200; an id that is already deleted counts as completed."""
    _require_one_request(ids, all_or_none=all_or_none)

    def send(chunk: Sequence[str]) -> list[Row]:
        query = {"ids": ",".join(chunk), "allOrNone": str(all_or_none).lower()}
        rows = _send_chunk(state, replace(request, query=query), len(chunk), write)
        if all_or_none:  # then a deleted record is why the others were not deleted
            return rows
        return [_accept_deleted(row, id_) for row, id_ in zip(rows, chunk, strict=True)]

    return _send_chunks(ids, send, write)


def in_chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Split a sequence into parts of at most `size` items.

    >>> list(in_chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    return (items[start : start + size] for start in range(0, len(items), size))


def _send_chunks(
    items: Sequence[T], send: Callable[[Sequence[T]], list[Row]], write: Write
) -> list[Row]:
    rows: list[Row] = []
    for chunk in in_chunks(items, _MAX_RECORDS):
        try:
            rows += send(chunk)
        except AdaptorError as error:
            raise partial_failure(error, rows, write) from None
    return rows


def _send_chunk(state: State, request: Request, count: int, write: Write) -> list[Row]:
    request = replace(request, dry_run_response=[DRY_RUN_ROW] * count)
    return read_rows(call_rest_api(state, request), count, write)


def _require_one_request(items: Sequence[object], *, all_or_none: bool) -> None:
    if all_or_none and len(items) > _MAX_RECORDS:
        raise ConfigurationError(
            f"With all_or_none, Salesforce accepts at most {_MAX_RECORDS} records, not "
            f"{len(items)}. Send them in parts, or leave all_or_none out."
        )


def _accept_deleted(row: Row, id_: str) -> Row:
    codes = {error.get("statusCode") for error in row.get("errors") or []}
    return {"id": id_, "success": True} if codes == {"ENTITY_IS_DELETED"} else row
