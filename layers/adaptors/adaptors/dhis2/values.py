"""Attributes and data values: make them, and find one in a tracked entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attr(attribute: Any, value: Any) -> dict[str, Any]:
    """Return an attribute of a tracked entity: the attribute's uid and its value.

    >>> attr("w75KJ2mc4zz", "Amina")
    {'attribute': 'w75KJ2mc4zz', 'value': 'Amina'}
    """
    return {"attribute": attribute, "value": value}


def dv(data_element: Any, value: Any, comment: Any = None) -> dict[str, Any]:
    """Return a data value of an event or a data value set: the data element's uid and a value.

    >>> dv("f7n9E0hX8qk", 12)
    {'dataElement': 'f7n9E0hX8qk', 'value': 12}
    """
    data_value = {"dataElement": data_element, "value": value}
    return data_value if comment is None else {**data_value, "comment": comment}


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
