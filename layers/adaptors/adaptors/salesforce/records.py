"""Validate the records of a job before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adaptors.absent import require_present
from adaptors.errors import ConfigurationError

Record = Mapping[str, Any]
_API_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")


def require_api_name(value: Any, parameter: str) -> str:
    """Return the API name of an object or field; it becomes part of a URL."""
    if isinstance(value, str) and _API_NAME.fullmatch(value):
        return value
    raise ConfigurationError(f"{parameter} must be an API name such as Contact or MRN__c.")


def parse_records(records: Any) -> list[Record]:
    """Return a dict or a list of dicts as a list of records, without `attributes`."""
    items = [records] if isinstance(records, Mapping) else records
    if not isinstance(items, list | tuple):
        raise ConfigurationError(
            f"records must be a dict or a list of dicts, not {type(records).__name__}."
        )
    for index, record in enumerate(items):
        _validate(record, index)
    return [omit_keys(record, "attributes") for record in items]


def record_id(record: Record, index: int) -> str:
    """Return the `Id` of a record."""
    return require_id(record.get("Id", record.get("id")), f"The Id of records[{index}]")


def require_id(value: Any, parameter: str) -> str:
    """Return an id; it becomes part of a URL."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise ConfigurationError(f"{parameter} must have 15 or 18 letters and digits.")


def external_id_value(record: Record, field: str, index: int) -> str:
    """Return a record's external id as text; without one, each retry would create a record."""
    value = record.get(field)
    # A value of dots only would change the path of the URL.
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip(" ."):
        return str(value)
    raise ConfigurationError(
        f"records[{index}] needs a value for the external id {field}: text or a whole number."
    )


def merge_same_id(
    records: Sequence[Record], values: Sequence[str]
) -> tuple[list[Record], list[int]]:
    """Merge records with the same external id, and return each record's position among them.

    Salesforce refuses all records of a list that have the same external id.

    >>> merge_same_id([{"Id__c": 7, "A": 1}, {"Id__c": 8}, {"Id__c": "7", "A": 2}], ["7", "8", "7"])
    ([{'Id__c': '7', 'A': 2}, {'Id__c': 8}], [0, 1, 0])
    """
    merged: dict[str, Record] = {}
    for value, record in zip(values, records, strict=True):
        merged[value] = {**merged.get(value, {}), **record}
    positions = {value: position for position, value in enumerate(merged)}
    return list(merged.values()), [positions[value] for value in values]


def omit_keys(record: Record, *keys: str) -> Record:
    """Return a record without some of its keys.

    >>> omit_keys({"Id": "003x", "Name": "Amina"}, "Id")
    {'Name': 'Amina'}
    """
    return {key: value for key, value in record.items() if key not in keys}


def _validate(record: Any, index: int) -> None:
    if not isinstance(record, Mapping):
        raise ConfigurationError(f"records[{index}] must be a dict, not {type(record).__name__}.")
    for key, value in record.items():
        if not isinstance(key, str):
            raise ConfigurationError(f"records[{index}] has a key that is not text.")
        if "." in key:
            parent, _, child = key.partition(".")
            raise ConfigurationError(
                f"records[{index}] has the key {key!r}. "
                f"Write relationship({parent!r}, {child!r}, …) instead."
            )
        require_present(value, f"The relationship {key} of records[{index}]")
