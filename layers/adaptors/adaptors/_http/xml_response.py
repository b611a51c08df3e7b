"""XML responses as dicts."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from adaptors._http.response import Response, raise_for_status, unexpected_content
from adaptors._runtime import dry_run


def xml_body(response: Response) -> dict[str, Any]:
    """Give the XML of an accepted answer as a dict; `RemoteRefused` where it is something else."""
    read = try_parse_xml(raise_for_status(response))
    if read is None:
        raise unexpected_content(response, "XML")
    return read


def xml_text(response: Response) -> str:
    """Give the XML of an accepted answer as it came; `RemoteRefused` where it is something else."""
    xml_body(response)
    return str(response.body) if dry_run.is_active() else response.text


def try_parse_xml(response: Response) -> dict[str, Any] | None:
    """Give the XML of any answer as a dict; `None` where it is something else."""
    try:
        # A dry run's answer is JSON: a text that holds the XML.
        read = parse_xml(str(response.body) if dry_run.is_active() else response.content)
    except (ExpatError, LookupError, ValueError):
        return None
    return None if "html" in map(str.lower, read) else read  # a tidy page is XML too


def parse_xml(source: str | bytes) -> dict[str, Any]:
    """Read XML: `@attribute`, `#text`, a list where an element is repeated; entities are refused.

    >>> parse_xml('<a xmlns:o="o"><o:meta>1</o:meta><b/><b c="2">3</b></a>')
    {'a': {'@xmlns:o': 'o', 'meta': '1', 'b': [None, {'@c': '2', '#text': '3'}]}}
    """
    read: dict[str, Any] = xmltodict.parse(source, postprocessor=_without_prefix)
    return read


def _without_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
