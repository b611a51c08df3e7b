"""Parse and write XML as dicts: `@attribute`, `#text`, a list for a repeated element."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from adaptors._formats import xml_text
from adaptors.common.lazy import accepts_state_functions


@accepts_state_functions
def parse_xml(text: str | bytes) -> Any:
    """Parse XML as the inbox does: `@attribute`, `#text`, a list for a repeated element.

    Prefixes of elements are dropped: `orx:meta` becomes `meta`. Bytes have the encoding that they
    declare. Raises ValueError for anything but XML, and for XML with a document type: entities are
    refused, and nothing is ever fetched.

    >>> parse_xml('<case case_id="7"><name>Amina</name></case>')
    {'case': {'@case_id': '7', 'name': 'Amina'}}
    """
    try:
        return xml_text.parse_xml(text)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"This is not XML: {error}.") from None


@accepts_state_functions
def to_xml(value: dict[str, Any], *, declaration: bool = True) -> str:
    """Write a dict as XML, the reverse of `parse_xml`; its only key is the root.

    Booleans become `true` and `false`, `None` an empty element. Raises ValueError for what XML
    cannot contain, with its key: a second root, a key that is not a name, a control character.

    >>> to_xml({"case": {"@case_id": "7", "name": ["Amina", "Ami"]}}, declaration=False)
    '<case case_id="7"><name>Amina</name><name>Ami</name></case>'
    """
    xml = xml_text.write_xml(value)
    return xml if declaration else xml.partition("\n")[2]
