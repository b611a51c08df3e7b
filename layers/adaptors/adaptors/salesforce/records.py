"""Records as jobs give them: looked at before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adaptors.errors import ConfigurationError

Record = Mapping[str, Any]
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")


def name(value: Any, what: str) -> str:
    """Give an object's or a field's API name, which is a part of an address."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ConfigurationError(f"{what} is an API name such as Contact or MRN__c")


def records_of(records: Any) -> list[Record]:
    """Give what a job wants to send as a list of records, each with names for keys."""
    found = [records] if isinstance(records, Mapping) else records
    if not isinstance(found, list | tuple):
        raise ConfigurationError(f"records are a dict or a list, not {type(records).__name__}")
    for index, record in enumerate(found):
        _look_at(record, index)
    return [{key: value for key, value in each.items() if key != "attributes"} for each in found]


def id_of(record: Record, index: int) -> str:
    """Give a record's `Id`."""
    return checked_id(record.get("Id", record.get("id")), f"records[{index}] has no Id: it")


def checked_id(value: Any, what: str) -> str:
    """Give an id, which is a part of an address."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise ConfigurationError(f"{what} is 15 or 18 letters and digits")


def external_id_of(record: Record, field: str, index: int) -> str:
    """Give a record's value of an external id as text; without one, each sending makes a record."""
    value = record.get(field)
    # What is nothing but dots would lead an address elsewhere.
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip(" ."):
        return str(value)
    raise ConfigurationError(
        f"records[{index}] has no value for the external id {field}, or one that is neither text "
        "nor a whole number"
    )


def without(record: Record, *keys: str) -> Record:
    """Give a record without some of its keys.

    >>> without({"Id": "003x", "Name": "Amina"}, "Id")
    {'Name': 'Amina'}
    """
    return {key: value for key, value in record.items() if key not in keys}


def _look_at(record: Any, index: int) -> None:
    if not isinstance(record, Mapping):
        raise ConfigurationError(f"records[{index}] is a dict, not {type(record).__name__}")
    for key in record:
        if not isinstance(key, str):
            raise ConfigurationError(f"records[{index}] has a key that is not text")
        if "." in key:
            parent, _, child = key.partition(".")
            raise ConfigurationError(
                f"records[{index}] has the key {key!r}: "
                f"write relationship({parent!r}, {child!r}, …)"
            )
