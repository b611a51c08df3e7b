"""XML responses as dicts."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from adaptors._http.response import Answer, accepted, broken
from adaptors._runtime import dry_run


def promised_xml(answer: Answer) -> dict[str, Any]:
    """Give the XML of an accepted answer as a dict; `RemoteRefused` where it is something else."""
    read = read_xml(accepted(answer))
    if read is None:
        raise broken(answer, "XML")
    return read


def promised_xml_text(answer: Answer) -> str:
    """Give the XML of an accepted answer as it came; `RemoteRefused` where it is something else."""
    promised_xml(answer)
    return answer.text if dry_run.seen() is None else str(answer.data)


def read_xml(answer: Answer) -> dict[str, Any] | None:
    """Give the XML of any answer as a dict; `None` where it is something else."""
    try:
        # A dry run's answer is JSON: a text that holds the XML.
        read = parsed_xml(answer.content if dry_run.seen() is None else str(answer.data))
    except (ExpatError, LookupError, ValueError):
        return None
    return None if "html" in map(str.lower, read) else read  # a tidy page is XML too


def parsed_xml(source: str | bytes) -> dict[str, Any]:
    """Read XML: `@attribute`, `#text`, a list where an element is repeated; entities are refused.

    >>> parsed_xml('<a xmlns:o="o"><o:meta>1</o:meta><b/><b c="2">3</b></a>')
    {'a': {'@xmlns:o': 'o', 'meta': '1', 'b': [None, {'@c': '2', '#text': '3'}]}}
    """
    read: dict[str, Any] = xmltodict.parse(source, postprocessor=_without_prefix)
    return read


def _without_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
