"""OpenRosa: what a form submission sends, and what the response means."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

from adaptors._formats.xml_encoding import declared_encoding
from adaptors._formats.xml_text import parse_xml
from adaptors._http.response import Response
from adaptors._http.xml_response import try_parse_xml
from adaptors.errors import ConfigurationError

DRY_RUN_RESPONSE = '<OpenRosaResponse><message nature="submit_success"/></OpenRosaResponse>'
"""The response to a submission in a dry run."""


def message(response: Response) -> tuple[str, str] | None:
    """Return nature and text of the OpenRosa message in a response, or None if it has none.

    >>> message(Response("POST", "https://x.org", 201, "", {}, DRY_RUN_RESPONSE.encode()))
    ('submit_success', '')
    """
    envelope = (try_parse_xml(response) or {}).get("OpenRosaResponse")
    if not isinstance(envelope, dict):
        return None
    element = envelope.get("message")
    nature = element.get("@nature") if isinstance(element, dict) else None
    return str(nature or ""), _text(element)


def instance_id(xml: str) -> str:
    """Return the `meta/instanceID` of a form; raise ConfigurationError if it has none.

    >>> instance_id("<data><o:meta xmlns:o='o'><o:instanceID>uuid:7</o:instanceID></o:meta></data>")
    'uuid:7'
    """
    value = find_instance_id(xml)
    if not value:
        raise ConfigurationError(
            "The form has no meta/instanceID. Add one that is the same in a retry; otherwise a "
            "retry creates a second form."
        )
    return value


def find_instance_id(xml: str) -> str:
    """Return the `meta/instanceID` of a form, or an empty text if it has none.

    >>> find_instance_id("<data><meta/></data>")
    ''
    """
    try:
        (root,) = parse_xml(xml).values()
    except (ExpatError, LookupError, ValueError) as error:
        raise ConfigurationError(f"The form is not XML: {type(error).__name__}.") from None
    return _text(_child(_child(root, "meta"), "instanceID"))


def encode(xml: str) -> bytes:
    r"""Return a form's bytes in the encoding that it declares.

    >>> encode('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>')[-5:]
    b'\xe9</a>'
    """
    try:
        return xml.encode(declared_encoding(xml) or "utf-8")
    except (LookupError, UnicodeError):
        raise ConfigurationError(
            "The form cannot be written in the encoding that it declares."
        ) from None


def _child(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return str((value.get("#text") if isinstance(value, dict) else value) or "").strip()
