"""XML responses as dicts."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from adaptors._http.response import Response, raise_for_status, unexpected_content
from adaptors._runtime import dry_run


def xml_body(response: Response) -> dict[str, Any]:
    """Return the XML of a response as a dict.

    Raises the error of the status, and RemoteRefused for anything but XML.
    """
    body = try_parse_xml(raise_for_status(response))
    if body is None:
        raise unexpected_content(response, "XML")
    return body


def xml_text(response: Response) -> str:
    """Return the XML of a response as text; raises as `xml_body` does."""
    xml_body(response)
    return str(response.body) if dry_run.is_active() else response.text


def try_parse_xml(response: Response) -> dict[str, Any] | None:
    """Return the XML of a response with any status as a dict, or None for anything else."""
    try:
        # The response of a dry run is JSON: a text that contains the XML.
        body = parse_xml(str(response.body) if dry_run.is_active() else response.content)
    except (ExpatError, LookupError, ValueError):
        return None
    return None if "html" in map(str.lower, body) else body  # a well-formed web page is XML too


def parse_xml(source: str | bytes) -> dict[str, Any]:
    """Parse XML: `@attribute`, `#text`, and a list for a repeated element. Entities are refused.

    >>> parse_xml('<a xmlns:o="o"><o:meta>1</o:meta><b/><b c="2">3</b></a>')
    {'a': {'@xmlns:o': 'o', 'meta': '1', 'b': [None, {'@c': '2', '#text': '3'}]}}
    """
    body: dict[str, Any] = xmltodict.parse(source, postprocessor=_drop_prefix)
    return body


def _drop_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
