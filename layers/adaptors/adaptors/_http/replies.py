"""Answers in the form that was promised: a page of HTML with a 200 is none."""

from __future__ import annotations

import json
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from adaptors._http.response import Answer, accepted, show
from adaptors._runtime import dry_run
from adaptors.errors import RemoteRefused


def promised_json(answer: Answer) -> Any:
    """Give the JSON of an accepted answer; `RemoteRefused` where it is something else."""
    try:
        return json.loads(accepted(answer).content)
    except (ValueError, RecursionError):
        raise broken(answer, "JSON") from None


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


def broken(answer: Answer, form: str) -> RemoteRefused:
    """Print an answer that is not what was promised, and give the error for it."""
    show(answer)
    return RemoteRefused(
        f"{answer.told}, but with what is not the {form} this address should give; look whether "
        "the address in the credential is the server's own and no page stands before it"
    )


def response(answer: Answer) -> dict[str, Any]:
    """Give what a job may know of an answer besides its body: `state["response"]`."""
    return {
        "method": answer.method,
        "url": answer.url,
        "status": answer.status,
        "headers": answer.headers,
    }


def _without_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
