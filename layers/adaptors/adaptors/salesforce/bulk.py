"""Thousands of records at once, with the Bulk API.

It is the first Bulk API, since its batches are JSON and a batch's results stand in the order of its
records: in the second one's CSV a refused record cannot be told from its like.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from adaptors._formats import json_text
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, operation
from adaptors.salesforce.client import PRETENDED
from adaptors.salesforce.records import Record, external_id_of, id_of, name, records_of
from adaptors.salesforce.results import Action, Row, outcome, read_rows, settled
from adaptors.salesforce.sessions import ask
from adaptors.salesforce.states import after

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

_DONE = {
    "insert": "inserted",
    "update": "updated",
    "upsert": "upserted",
    "delete": "deleted",
    "hardDelete": "deleted",
}
_RECORDS, _CHARACTERS = 10_000, 9_900_000  # of a batch; Salesforce takes 10,000,000
_ENDED = {"Completed", "Failed", "NotProcessed"}


@dataclass(frozen=True, slots=True)
class _Patience:
    until: float
    poll: float
    seconds: float


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
    """Send thousands of records as one job and wait for it; `data` becomes the outcome.

    `operation` is insert, update, upsert (by `external_id`), delete or hardDelete; update and
    delete name records by `Id`. `serial` has Salesforce take one batch of 10,000 after the other:
    slower, but batches do not lock each other's records. The outcome, and what comes of a record
    that is refused, is as with `create`; with `fail_on_error=False` it is only told in `errors`.

    Every `poll` seconds Salesforce is asked how far it is; a job that takes longer than `timeout`
    (keep it below the stack's RunSeconds) goes on there, and fails here: an insert is not tried
    again, as it might make records twice.

    >>> operate = bulk("Visit__c", "upsert", lambda state: state["data"], external_id="Form__c")
    """
    action = Action(name(sobject, "an sobject"), _done(operation), operation != "insert")
    batches = list(_batches(_looked_at(operation, records, external_id)))
    opening = {
        "operation": operation,
        "object": sobject,
        "contentType": "JSON",
        "concurrencyMode": "Serial" if serial else "Parallel",
        **({"externalIdFieldName": external_id} if external_id else {}),
    }
    patience = _Patience(time.monotonic() + timeout, poll, timeout)
    rows = _rows(state, opening, batches, action, patience) if batches else []
    return after(state, settled(rows, action) if fail_on_error else outcome(rows))


def _done(operation: Any) -> str:
    if operation in _DONE:
        return _DONE[operation]
    raise ConfigurationError(f"a bulk operation is one of {', '.join(_DONE)}")


def _looked_at(operation: str, records: Any, external_id: str | None) -> Sequence[Record]:
    found = records_of(records)
    if (operation == "upsert") != (external_id is not None):
        raise ConfigurationError("bulk needs an external_id to upsert, and only then")
    for index, record in enumerate(found):
        if external_id:
            external_id_of(record, name(external_id, "an external id"), index)
        elif operation == "update":
            id_of(record, index)
    if operation in ("delete", "hardDelete"):
        return [{"Id": id_of(record, index)} for index, record in enumerate(found)]
    return found


def _batches(records: Sequence[Record]) -> Iterator[_Batch]:
    texts: list[str] = []
    length = 0
    for text in map(json_text.dumps, records):
        if texts and (len(texts) == _RECORDS or length + len(text) > _CHARACTERS):
            yield _Batch(f"[{','.join(texts)}]", len(texts))
            texts, length = [], 0
        texts.append(text)
        length += len(text) + 1
    if texts:
        yield _Batch(f"[{','.join(texts)}]", len(texts))


def _rows(
    state: State,
    opening: Mapping[str, Any],
    batches: Sequence[_Batch],
    action: Action,
    patience: _Patience,
) -> list[Row]:
    job = _id(_asked(state, "job", json_text.dumps(opening), {"id": "dry-run"}))
    try:
        ids = [_added(state, job, number, batch) for number, batch in enumerate(batches)]
        _asked(state, f"job/{job}", json_text.dumps({"state": "Closed"}))
        ended = _waited(state, job, dict(zip(ids, batches, strict=True)), action, patience)
    except RemoteUnavailable as error:
        if action.repeatable:
            raise
        raise RemoteRefused(
            f"{error}; another try might insert records twice: look in Salesforce's Setup, at "
            f"Bulk Data Load Jobs, what the job {job} did"
        ) from None
    return [row for id_ in ids for row in ended[id_]]


def _waited(
    state: State, job: str, batches: Mapping[str, _Batch], action: Action, patience: _Patience
) -> dict[str, list[Row]]:
    ended: dict[str, list[Row]] = {}
    while True:
        for id_, batch in batches.items():
            if id_ not in ended:
                with suppress(RemoteUnavailable):  # the next look may find it
                    ended |= _looked(state, f"job/{job}/batch/{id_}", id_, batch, action)
        if len(ended) == len(batches):
            return ended
        if time.monotonic() >= patience.until:
            raise RemoteUnavailable(
                f"the bulk job {job} has not ended after {patience.seconds:g} seconds"
            )
        time.sleep(patience.poll)


def _looked(
    state: State, path: str, id_: str, batch: _Batch, action: Action
) -> dict[str, list[Row]]:
    found = _asked(state, path, dry_run_response={"state": "Completed"})
    status = found.get("state") if isinstance(found, Mapping) else None
    if status not in _ENDED:
        return {}
    if status == "Completed":
        rows = _asked(state, f"{path}/result", dry_run_response=[PRETENDED] * batch.count)
        return {id_: read_rows(rows, batch.count, action)}
    said = str(found.get("stateMessage") or status)
    code = said.partition(":")[0].strip()
    if status == "Failed" and not action.repeatable:
        # Some of its records may be there: no code may have them inserted by another try.
        code = f"Failed.{code}"
    error = {"statusCode": code, "message": said, "fields": []}
    return {id_: [{"success": False, "errors": [error]}] * batch.count}


def _added(state: State, job: str, number: int, batch: _Batch) -> str:
    return _id(_asked(state, f"job/{job}/batch", batch.body, {"id": f"dry-run-{number}"}))


def _asked(state: State, path: str, body: str | None = None, dry_run_response: Any = None) -> Any:
    return ask(state, partial(_sent, path, body, dry_run_response))


def _sent(path: str, body: str | None, dry_run_response: Any, client: Salesforce) -> Any:
    from simple_salesforce.util import call_salesforce  # noqa: PLC0415 - loaded when first needed

    headers = {"X-SFDC-Session": client.session_id, "Content-Type": "application/json"}
    return call_salesforce(
        client.bulk_url + path,
        "GET" if body is None else "POST",
        client.session,
        headers,
        data=body,
        dry_run_response=dry_run_response,
    ).json()


def _id(answer: Any) -> str:
    if isinstance(answer, Mapping) and isinstance(answer.get("id"), str):
        return str(answer["id"])
    raise RemoteRefused("the Bulk API answered with something that has no id")
