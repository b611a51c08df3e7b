"""Attributes and data values: make them, and find one in a tracked entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors.absent import PartialDict, absent_keys
from adaptors.errors import ConfigurationError

_LISTS_OF_VALUES = {
    "attributes": "attribute",
    "attributeValues": "attribute",
    "dataValues": "dataElement",
}


def attr(attribute: Any, value: Any) -> dict[str, Any]:
    """Return an attribute of a tracked entity: the attribute's uid and its value.

    If the value is a path that finds nothing, the attribute is left out.

    >>> attr("w75KJ2mc4zz", "Amina")
    {'attribute': 'w75KJ2mc4zz', 'value': 'Amina'}
    """
    return {"attribute": attribute, "value": value}


def dv(data_element: Any, value: Any, comment: Any = None) -> dict[str, Any]:
    """Return a data value of an event or a data value set: the data element's uid and a value.

    If the value is a path that finds nothing, the data value is left out.

    >>> dv("f7n9E0hX8qk", 12)
    {'dataElement': 'f7n9E0hX8qk', 'value': 12}
    """
    data_value = {"dataElement": data_element, "value": value}
    return data_value if comment is None else {**data_value, "comment": comment}


def drop_without_value(part: Any) -> Any:
    """Return data without the attributes and data values that have no value, at any depth.

    DHIS2 would refuse them. One with the value null stays: it empties the stored value.

    >>> drop_without_value({"dataValues": [{"dataElement": "f7n9E0hX8qk"}, dv("qrur9Dvnyt5", 7)]})
    {'dataValues': [{'dataElement': 'qrur9Dvnyt5', 'value': 7}]}
    """
    if isinstance(part, list):
        return [drop_without_value(item) for item in part]
    if not isinstance(part, dict):
        return part
    whole = {key: drop_without_value(_with_value(key, part[key])) for key in part}
    return PartialDict(whole, absent) if (absent := absent_keys(part)) else whole


def _with_value(key: Any, members: Any) -> Any:
    if key not in _LISTS_OF_VALUES or not isinstance(members, list):
        return members
    for member in members:
        _refuse_list(member, _LISTS_OF_VALUES[key])
    return [member for member in members if not _lacks_value(member, _LISTS_OF_VALUES[key])]


def _refuse_list(member: Any, name: str) -> None:
    value = member.get("value") if isinstance(member, dict) and name in member else None
    if isinstance(value, list | tuple | set):
        kind = "data element" if name == "dataElement" else name
        raise ConfigurationError(
            f"The value of the {kind} {member[name]} is a list, and DHIS2 stores one text. Join "
            'it, for example with ",".join(…), or take one of its values.'
        )


def _lacks_value(member: Any, name: str) -> bool:
    return isinstance(member, dict) and name in member and not member.keys() & {"value", "deleted"}


def find_attribute_value(entity: Mapping[str, Any] | None, attribute: str) -> Any:
    """Return the value of a tracked entity's attribute, or `None`.

    The attribute is its uid or its display name, in capital or small letters.

    >>> amina = {"attributes": [{"displayName": "First name", **attr("w75KJ2mc4zz", "Amina")}]}
    >>> find_attribute_value(amina, "first name"), find_attribute_value(amina, "w75KJ2mc4zz")
    ('Amina', 'Amina')
    """
    members = (entity or {}).get("attributes") or []
    for member in members:
        if member.get("attribute") == attribute:
            return member.get("value")
    for member in members:
        if str(member.get("displayName", "")).casefold() == attribute.casefold():
            return member.get("value")
    return None
