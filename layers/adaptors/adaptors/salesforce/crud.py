"""Operations that create, update and delete records by their ids."""

from __future__ import annotations

from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors.operations import Operation, State, operation, resolve
from adaptors.salesforce.records import (
    omit_keys,
    parse_records,
    record_id,
    require_api_name,
    require_id,
)
from adaptors.salesforce.results import Write, raise_for_rows, state_after, summarize
from adaptors.salesforce.writes import delete_many, write_many, write_one


@operation
def create(
    state: State,
    sobject: str,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Create a record from a dict, or many from a list; `data` becomes the summary.

    The summary is `{success, completed, errors}`, with the ids of the new records in `completed`,
    and for a dict also `id`. If Salesforce refuses a record, the run fails, but the other records
    of the list are created: the error has their number, the log their ids. With `all_or_none` (at
    most 200 records), none is created.

    A retry after a broken connection may create records twice: prefer `upsert`. Records that are
    known to be created are never sent again.

    >>> from adaptors.common import data_value, field, fields
    >>> operate = create("Contact", fields(field("LastName", data_value("form.name"))))
    """
    write = Write(require_api_name(sobject, "sobject"), "created", idempotent=False)
    parsed = parse_records(records)
    if isinstance(records, dict):
        request = Request("POST", f"sobjects/{sobject}", json=parsed[0], timeout=timeout)
        summary = write_one(state, request, write)
    else:
        request = Request("POST", "composite/sobjects", timeout=timeout)
        summary = write_many(state, request, parsed, write, all_or_none=all_or_none)
    return state_after(state, summary)


def create_if(
    condition: Any,
    sobject: Any,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> Operation:
    """Do what `create` does if the condition is true; otherwise do nothing.

    >>> from adaptors.common import data_value
    >>> operate = create_if(data_value("new"), "Contact", {"LastName": data_value("name")})
    >>> operate({"data": {"new": False}})
    {'data': {'new': False}}
    """
    operate = create(sobject, records, all_or_none=all_or_none, timeout=timeout)
    return operate_if(condition, operate)


@operation
def update(
    state: State,
    sobject: str,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Update a record, or a list of them, each with its `Id`; `data` becomes the summary.

    See `create` for the summary and for records that Salesforce refuses.

    >>> from adaptors.common import last_reference_value
    >>> operate = update("Contact", {"Id": last_reference_value("id"), "Title": "Nurse"})
    """
    write = Write(require_api_name(sobject, "sobject"), "updated")
    parsed = parse_records(records)
    ids = [record_id(record, index) for index, record in enumerate(parsed)]
    parsed = [omit_keys(record, "Id", "id") for record in parsed]
    if isinstance(records, dict):
        path = f"sobjects/{sobject}/{ids[0]}"
        request = Request("PATCH", path, json=parsed[0], timeout=timeout)
        summary = write_one(state, request, write, {"id": ids[0], "success": True})
    else:
        request = Request("PATCH", "composite/sobjects", timeout=timeout)
        with_ids = [{"id": id_, **record} for id_, record in zip(ids, parsed, strict=True)]
        summary = write_many(state, request, with_ids, write, all_or_none=all_or_none)
    return state_after(state, summary)


@operation
def destroy(
    state: State,
    sobject: str,
    ids: Any,
    *,
    all_or_none: bool = False,
    fail_on_error: bool = True,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Delete the record with an id, or with a list of ids; `data` becomes the summary.

    See `create` for the summary. A record that is already deleted counts as completed. With
    `fail_on_error=False`, the run succeeds although Salesforce refuses records: see `errors`.

    >>> from adaptors.common import data_value
    >>> operate = destroy("Visit__c", data_value("completed"))
    """
    write = Write(require_api_name(sobject, "sobject"), "deleted")
    ids = ids if isinstance(ids, list) else [ids]
    valid_ids = [require_id(id_, f"ids[{index}]") for index, id_ in enumerate(ids)]
    request = Request("DELETE", "composite/sobjects", timeout=timeout)
    rows = delete_many(state, request, valid_ids, write, all_or_none=all_or_none)
    return state_after(state, raise_for_rows(rows, write) if fail_on_error else summarize(rows))


def operate_if(condition: Any, operate: Operation) -> Operation:
    """Execute an operation if a condition is true; its arguments are resolved only then."""
    return lambda state: operate(state) if resolve(state, condition) else state
