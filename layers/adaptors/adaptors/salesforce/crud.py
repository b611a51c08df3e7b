"""Operations that make, change and delete records named by their ids."""

from __future__ import annotations

from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.operations import Operation, State, operation, resolve
from adaptors.salesforce.client import Way, many, one, remove
from adaptors.salesforce.records import (
    checked_id,
    id_of,
    name,
    records_of,
    without,
)
from adaptors.salesforce.results import Action
from adaptors.salesforce.states import after


@operation
def create(
    state: State,
    sobject: str,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Make a record of a dict, or many of a list; `data` becomes the outcome.

    The outcome is `{success, completed, errors}` with the ids of the new records in `completed`,
    and for a dict the `id` too. One record that Salesforce refuses fails the run, though the others
    of a list are there then: the error says how many, the log which. With `all_or_none` (at most
    200 records) there are none then.

    A run that is tried again after its connection broke may make records a second time: prefer
    `upsert`. What is known to be there already is never made again by another try.

    >>> from adaptors.common import data_value, field, fields
    >>> operate = create("Contact", fields(field("LastName", data_value("form.name"))))
    """
    action = Action(name(sobject, "an sobject"), "created", repeatable=False)
    found = records_of(records)
    if isinstance(records, dict):
        result = one(state, Way("POST", f"sobjects/{sobject}", timeout), found[0], action)
    else:
        way = Way("POST", "composite/sobjects", timeout, all_or_none)
        result = many(state, way, found, action)
    return after(state, result)


def create_if(
    condition: Any,
    sobject: Any,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> Operation:
    """Do what `create` does if a condition holds, else leave the state as it is.

    >>> from adaptors.common import data_value
    >>> make = create_if(data_value("form.new"), "Contact", {"LastName": data_value("form.name")})
    >>> make({"data": {"form": {"new": False}}})
    {'data': {'form': {'new': False}}}
    """
    return when(condition, create(sobject, records, all_or_none=all_or_none, timeout=timeout))


@operation
def update(
    state: State,
    sobject: str,
    records: Any,
    *,
    all_or_none: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Change a record, or many of a list, each named by its `Id`; `data` becomes the outcome.

    The outcome, and what comes of a record that is refused, is as with `create`.

    >>> from adaptors.common import last_reference_value
    >>> operate = update("Contact", {"Id": last_reference_value("id"), "Title": "Nurse"})
    """
    action = Action(name(sobject, "an sobject"), "updated")
    found = records_of(records)
    ids = [id_of(record, index) for index, record in enumerate(found)]
    found = [without(record, "Id", "id") for record in found]
    if isinstance(records, dict):
        way = Way("PATCH", f"sobjects/{sobject}/{ids[0]}", timeout)
        result = one(state, way, found[0], action, {"id": ids[0], "success": True})
    else:
        way = Way("PATCH", "composite/sobjects", timeout, all_or_none)
        named = [{"id": id_, **record} for id_, record in zip(ids, found, strict=True)]
        result = many(state, way, named, action)
    return after(state, result)


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
    """Delete the record of an id, or those of a list of ids; `data` becomes the outcome.

    The outcome is as with `create`; a record that is deleted already counts as done. With
    `fail_on_error=False` those that Salesforce will not delete are only told in its `errors`.

    >>> from adaptors.common import data_value
    >>> operate = destroy("Visit__c", data_value("completed"))
    """
    action = Action(name(sobject, "an sobject"), "deleted")
    listed = ids if isinstance(ids, list) else [ids]
    checked = [checked_id(each, f"ids[{index}]") for index, each in enumerate(listed)]
    way = Way("DELETE", "composite/sobjects", timeout, all_or_none)
    return after(state, remove(state, way, checked, action, fail_on_error=fail_on_error))


def when(condition: Any, operate: Operation) -> Operation:
    """Do an operation if a condition holds; what the operation needs is not looked at before."""
    return lambda state: operate(state) if resolve(state, condition) else state
