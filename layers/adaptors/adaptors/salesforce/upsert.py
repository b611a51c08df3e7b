"""Operations that write records named by an external id."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.operations import Operation, State, operation
from adaptors.salesforce.client import Way, many, one
from adaptors.salesforce.crud import when
from adaptors.salesforce.records import external_id_of, name, records_of, without
from adaptors.salesforce.results import Action
from adaptors.salesforce.states import after


def relationship(name: str, external_id: str, value: Any) -> tuple[str, dict[str, Any]]:
    """Pair a relationship with the record it leads to, by an external id; for `fields`.

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
    """Change the record that has the same external id, or make it; `data` becomes the outcome.

    However often it is done, there is one record: put what the source calls its own in the
    external id, such as the id of a form. `records` is a dict or a list; the outcome, and what
    comes of a record that is refused, is as with `create`. An external id that several records
    have is refused.

    >>> from adaptors.common import data_value, field, fields
    >>> operate = upsert("Visit__c", "Form__c", fields(
    ...     field("Form__c", data_value("_uuid")),
    ...     relationship("Patient__r", "MRN__c", data_value("patient/mrn")),
    ... ))
    """
    action = Action(name(sobject, "an sobject"), "upserted")
    key, found = name(external_id, "an external id"), records_of(records)
    values = [external_id_of(record, key, index) for index, record in enumerate(found)]
    if isinstance(records, dict):
        path = f"sobjects/{sobject}/{key}/"
        way = Way("PATCH", path + quote(values[0], safe=""), timeout, told=f"{path}…")
        row = {"id": None, "success": True}
        result = one(state, way, without(found[0], key), action, row)
    else:
        way = Way("PATCH", f"composite/sobjects/{sobject}/{key}", timeout, all_or_none)
        result = many(state, way, found, action)
    return after(state, result)


def upsert_if(
    condition: Any,
    sobject: Any,
    external_id: Any,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> Operation:
    """Do what `upsert` does if a condition holds, else leave the state as it is.

    >>> from adaptors.common import data_value
    >>> save = upsert_if(data_value("mrn"), "Contact", "MRN__c", {"MRN__c": data_value("mrn")})
    >>> save({"data": {"mrn": None}})
    {'data': {'mrn': None}}
    """
    operate = upsert(sobject, external_id, records, all_or_none=all_or_none, timeout=timeout)
    return when(condition, operate)
