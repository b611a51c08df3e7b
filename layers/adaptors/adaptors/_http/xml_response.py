"""XML responses as dicts."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

from adaptors._formats.xml_text import parse_xml
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
