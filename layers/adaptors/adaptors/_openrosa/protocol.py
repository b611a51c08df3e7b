"""OpenRosa, the protocol by which forms are submitted: what is sent, and what its answers mean."""

from __future__ import annotations

import re
from typing import Any
from xml.parsers.expat import ExpatError

from adaptors._http.response import Response
from adaptors._http.xml_response import parse_xml, try_parse_xml
from adaptors.errors import ConfigurationError

DRY_RUN_RESPONSE = '<OpenRosaResponse><message nature="submit_success"/></OpenRosaResponse>'
"""What a dry run has a submission answered with."""


def message(response: Response) -> tuple[str, str] | None:
    """Give nature and text of an answer's message, whatever its status; `None` where it has none.

    >>> message(Response("POST", "https://x.org", 201, "", {}, DRY_RUN_RESPONSE.encode()))
    ('submit_success', '')
    """
    told = (try_parse_xml(response) or {}).get("OpenRosaResponse")
    if not isinstance(told, dict):
        return None
    said = told.get("message")
    nature = said.get("@nature") if isinstance(said, dict) else None
    return str(nature or ""), _text(said)


def instance_id(xml: str) -> str:
    """Give the `meta/instanceID` of a form; `ConfigurationError` where there is no form or no id.

    >>> instance_id("<data><o:meta xmlns:o='o'><o:instanceID>uuid:7</o:instanceID></o:meta></data>")
    'uuid:7'
    """
    try:
        (root,) = parse_xml(xml).values()
    except (ExpatError, LookupError, ValueError) as error:
        raise ConfigurationError(f"the form is not XML: {type(error).__name__}") from None
    found = _text(_part(_part(root, "meta"), "instanceID"))
    if not found:
        raise ConfigurationError(
            "the form has no meta/instanceID: put one into it that a retry has again, "
            "else a retry is a second form"
        )
    return found


def encode(xml: str) -> bytes:
    r"""Give a form's bytes in the encoding that it declares itself.

    >>> encode('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>')[-5:]
    b'\xe9</a>'
    """
    declared = re.match(r"""\s*<\?xml[^>]*?encoding=["']([\w.-]+)["']""", xml)
    try:
        return xml.encode(declared[1] if declared else "utf-8")
    except (LookupError, UnicodeError):
        raise ConfigurationError("the form cannot be written in the encoding it declares") from None


def _part(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return str((value.get("#text") if isinstance(value, dict) else value) or "").strip()
