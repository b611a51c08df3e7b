"""The small parts of what DHIS2 is sent and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attr(attribute: Any, value: Any) -> dict[str, Any]:
    """Make an attribute of a tracked entity, of the attribute's uid and its value.

    >>> attr("w75KJ2mc4zz", "Amina")
    {'attribute': 'w75KJ2mc4zz', 'value': 'Amina'}
    """
    return {"attribute": attribute, "value": value}


def dv(data_element: Any, value: Any, comment: Any = None) -> dict[str, Any]:
    """Make a data value of an event or a data value set, of the data element's uid and a value.

    >>> dv("f7n9E0hX8qk", 12)
    {'dataElement': 'f7n9E0hX8qk', 'value': 12}
    """
    made = {"dataElement": data_element, "value": value}
    return made if comment is None else {**made, "comment": comment}


def find_attribute_value(entity: Mapping[str, Any] | None, attribute: str) -> Any:
    """Give a tracked entity's value of an attribute, `None` where it has none.

    The attribute is named by its uid, or by its display name in capitals or not.

    >>> amina = {"attributes": [{"displayName": "First name", **attr("w75KJ2mc4zz", "Amina")}]}
    >>> find_attribute_value(amina, "first name"), find_attribute_value(amina, "w75KJ2mc4zz")
    ('Amina', 'Amina')
    """
    attributes = (entity or {}).get("attributes") or []
    for each in attributes:
        if each.get("attribute") == attribute:
            return each.get("value")
    for each in attributes:
        if str(each.get("displayName", "")).casefold() == attribute.casefold():
            return each.get("value")
    return None
