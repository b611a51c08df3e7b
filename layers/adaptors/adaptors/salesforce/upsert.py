"""Operations that write records by an external id."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors.errors import RemoteUnavailable
from adaptors.operations import Operation, State, operation
from adaptors.salesforce.crud import operate_if
from adaptors.salesforce.error_codes import RequestRefused, is_retryable_error
from adaptors.salesforce.records import (
    external_id_value,
    merge_same_id,
    omit_keys,
    parse_records,
    require_api_name,
)
from adaptors.salesforce.results import Write, state_after
from adaptors.salesforce.writes import write_many, write_one


def relationship(name: str, external_id: str, value: Any) -> tuple[str, dict[str, Any]]:
    """Return a field that links to the record with an external id; for `fields`.

    An external id whose path finds nothing is an error.

    >>> from adaptors.common import field, fields
    >>> fields(field("Name", "Visit 1"), relationship("Patient__r", "MRN__c", "7"))
    {'Name': 'Visit 1', 'Patient__r': {'MRN__c': '7'}}
    """
    return (name, {external_id: value})


@operation
def upsert(
    state: State,
    sobject: str,
    external_id: str,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Update the record with the same external id, or create it; `data` becomes the summary.

    Repeating an upsert never creates a second record: use an id of the source as the external id,
    such as the form's. `records` is a dict or a list; see `create` for the summary and for records
    that Salesforce refuses. Records of the list with the same external id are written as one: the
    last value of each field wins. An external id that several records in Salesforce have is
    refused.

    >>> from adaptors.common import data_value, field, fields
    >>> operate = upsert("Visit__c", "Form__c", fields(
    ...     field("Form__c", data_value("_id")),
    ...     relationship("Patient__r", "MRN__c", data_value("patient/mrn")),
    ... ))
    """
    key, parsed = require_api_name(external_id, "external_id"), parse_records(records)
    write = Write(require_api_name(sobject, "sobject"), "upserted", key=key)
    values = [external_id_value(record, key, index) for index, record in enumerate(parsed)]
    if isinstance(records, dict):
        path = f"sobjects/{sobject}/{key}/"
        request = Request(
            "PATCH",
            path + quote(values[0], safe=""),
            json=omit_keys(parsed[0], key),
            timeout=timeout,
            display_url=f"{path}…",
        )
        summary = _write_one(state, request, write)
    else:
        request = Request("PATCH", f"composite/sobjects/{sobject}/{key}", timeout=timeout)
        merged, positions = merge_same_id(parsed, values)
        summary = write_many(
            state, request, merged, write, all_or_none=all_or_none, positions=positions
        )
    return state_after(state, summary)


def _write_one(state: State, request: Request, write: Write) -> dict[str, Any]:
    try:
        return write_one(state, request, write, {"id": None, "success": True})
    except RequestRefused as error:
        if error.errors and all(is_retryable_error(item, write.key) for item in error.errors):
            raise RemoteUnavailable(str(error)) from None
        raise


def upsert_if(
    condition: Any,
    sobject: Any,
    external_id: Any,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> Operation:
    """Do what `upsert` does if the condition is true; otherwise do nothing.

    >>> from adaptors.common import data_value
    >>> operate = upsert_if(data_value("mrn"), "Contact", "MRN__c", {"MRN__c": data_value("mrn")})
    >>> operate({"data": {"mrn": None}})
    {'data': {'mrn': None}}
    """
    operate = upsert(sobject, external_id, records, all_or_none=all_or_none, timeout=timeout)
    return operate_if(condition, operate)
