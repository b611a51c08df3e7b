"""Thousands of records at once, with the Bulk API.

It is version 1 of the Bulk API, because its batches are JSON and their results have the order of
the records. In version 2's CSV, a refused record cannot be distinguished from others with the same
values.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adaptors._formats import json_text
from adaptors._http.request import Request
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, operation
from adaptors.salesforce.client import call_bulk_api
from adaptors.salesforce.records import (
    Record,
    external_id_value,
    merge_same_id,
    parse_records,
    record_id,
    require_api_name,
)
from adaptors.salesforce.results import (
    Row,
    Write,
    raise_for_rows,
    read_rows,
    state_after,
    summarize,
)
from adaptors.salesforce.writes import DRY_RUN_ROW

_PARTICIPLES = {
    "insert": "inserted",
    "update": "updated",
    "upsert": "upserted",
    "delete": "deleted",
    "hardDelete": "deleted",
}
_MAX_RECORDS, _MAX_CHARACTERS = 10_000, 9_900_000  # of a batch; Salesforce accepts 10,000,000
_FINAL_STATES = {"Completed", "Failed", "NotProcessed"}


@dataclass(frozen=True, slots=True)
class _Polling:
    deadline: float
    interval: float
    timeout: float


@dataclass(frozen=True, slots=True)
class _Batch:
    body: str
    count: int


@operation
def bulk(
    state: State,
    sobject: str,
    operation: str,
    records: Any,
    *,
    external_id: str | None = None,
    serial: bool = False,
    fail_on_error: bool = True,
    timeout: float = 240.0,
    poll: float = 2.0,
) -> State:
    """Write thousands of records in one job and wait for it; `data` becomes the summary.

    `operation` is insert, update, upsert (by `external_id`), delete or hardDelete; update and
    delete need the `Id` of each record. With `serial`, Salesforce processes one batch of 10,000
    after the other: slower, but batches do not lock each other's records. See `create` for the
    summary and for refused records; with `fail_on_error=False`, they are only in `errors`.

    The job is polled every `poll` seconds. If it takes longer than `timeout` (keep it below the
    stack's RunSeconds), the run fails while the job continues in Salesforce; an insert is not
    retried then, because it could create records twice.

    >>> operate = bulk("Visit__c", "upsert", lambda state: state["data"], external_id="Form__c")
    """
    participle = _participle(operation)
    write = Write(
        require_api_name(sobject, "sobject"), participle, operation != "insert", external_id
    )
    validated = _validate_records(operation, records, external_id)
    positions: Sequence[int] = range(len(validated))
    if external_id:
        values = [str(record[external_id]) for record in validated]
        validated, positions = merge_same_id(validated, values)
    batches = list(_batches(validated))
    job = {
        "operation": operation,
        "object": sobject,
        "contentType": "JSON",
        "concurrencyMode": "Serial" if serial else "Parallel",
        **({"externalIdFieldName": external_id} if external_id else {}),
    }
    polling = _Polling(time.monotonic() + timeout, poll, timeout)
    sent = _execute_job(state, job, batches, write, polling) if batches else []
    rows = [sent[position] for position in positions]
    return state_after(state, raise_for_rows(rows, write) if fail_on_error else summarize(rows))


def _participle(operation: Any) -> str:
    if operation in _PARTICIPLES:
        return _PARTICIPLES[operation]
    raise ConfigurationError(f"operation must be one of {', '.join(_PARTICIPLES)}.")


def _validate_records(operation: str, records: Any, external_id: str | None) -> Sequence[Record]:
    parsed = parse_records(records)
    if (operation == "upsert") != (external_id is not None):
        raise ConfigurationError("bulk needs external_id for an upsert, and only for an upsert.")
    for index, record in enumerate(parsed):
        if external_id:
            external_id_value(record, require_api_name(external_id, "external_id"), index)
        elif operation == "update":
            record_id(record, index)
    if operation in ("delete", "hardDelete"):
        return [{"Id": record_id(record, index)} for index, record in enumerate(parsed)]
    return parsed


def _batches(records: Sequence[Record]) -> Iterator[_Batch]:
    texts: list[str] = []
    length = 0
    for text in map(json_text.dumps, records):
        if texts and (len(texts) == _MAX_RECORDS or length + len(text) > _MAX_CHARACTERS):
            yield _Batch(f"[{','.join(texts)}]", len(texts))
            texts, length = [], 0
        texts.append(text)
        length += len(text) + 1
    if texts:
        yield _Batch(f"[{','.join(texts)}]", len(texts))


def _execute_job(
    state: State,
    job: Mapping[str, Any],
    batches: Sequence[_Batch],
    write: Write,
    polling: _Polling,
) -> list[Row]:
    response = _post(state, "job", json_text.dumps(job), {"id": "dry-run"})
    job_id = _id_of(response)
    try:
        ids = [_add_batch(state, job_id, number, batch) for number, batch in enumerate(batches)]
        _post(state, f"job/{job_id}", json_text.dumps({"state": "Closed"}))
        batches_by_id = dict(zip(ids, batches, strict=True))
        rows = _wait_for_batches(state, job_id, batches_by_id, write, polling)
    except RemoteUnavailable as error:
        if write.idempotent:
            raise
        raise RemoteRefused(
            f"{str(error).rstrip('.')}. The run is not retried, because that could insert records "
            f"twice. Check the job {job_id} in Salesforce: Setup, Bulk Data Load Jobs."
        ) from None
    return [row for batch_id in ids for row in rows[batch_id]]


def _wait_for_batches(
    state: State, job_id: str, batches: Mapping[str, _Batch], write: Write, polling: _Polling
) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    while True:
        for batch_id, batch in batches.items():
            if batch_id not in rows:
                with suppress(RemoteUnavailable):  # the next poll may succeed
                    rows |= _poll_batch(state, job_id, batch_id, batch, write)
        if len(rows) == len(batches):
            return rows
        if time.monotonic() >= polling.deadline:
            raise RemoteUnavailable(
                f"The bulk job {job_id} has not ended after {polling.timeout:g} seconds."
            )
        time.sleep(polling.interval)


def _poll_batch(
    state: State, job_id: str, batch_id: str, batch: _Batch, write: Write
) -> dict[str, list[Row]]:
    path = f"job/{job_id}/batch/{batch_id}"
    info = _get(state, path, {"state": "Completed"})
    batch_state = info.get("state") if isinstance(info, Mapping) else None
    if batch_state not in _FINAL_STATES:
        return {}
    if batch_state == "Completed":
        rows = _get(state, f"{path}/result", [DRY_RUN_ROW] * batch.count)
        return {batch_id: read_rows(rows, batch.count, write)}
    message = str(info.get("stateMessage") or batch_state)
    code = message.partition(":")[0].strip()
    if batch_state == "Failed" and not write.idempotent:
        # Some of its records may be inserted: such a failure is never retryable.
        code = f"Failed.{code}"
    error = {"statusCode": code, "message": message, "fields": []}
    return {batch_id: [{"success": False, "errors": [error]}] * batch.count}


def _add_batch(state: State, job_id: str, number: int, batch: _Batch) -> str:
    path, dry_run_response = f"job/{job_id}/batch", {"id": f"dry-run-{number}"}
    return _id_of(_post(state, path, batch.body, dry_run_response))


def _get(state: State, path: str, dry_run_response: Any) -> Any:
    return call_bulk_api(state, Request("GET", path, dry_run_response=dry_run_response))


def _post(state: State, path: str, body: str, dry_run_response: Any = None) -> Any:
    request = Request("POST", path, body=body.encode(), dry_run_response=dry_run_response)
    return call_bulk_api(state, request)


def _id_of(body: Any) -> str:
    if isinstance(body, Mapping) and isinstance(body.get("id"), str):
        return str(body["id"])
    raise RemoteRefused("The Bulk API's response has no id. Check the job in Salesforce's Setup.")
