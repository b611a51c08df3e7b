"""Parse XML as dicts. A document type is refused: its defaults and entities amplify a document."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from xml.parsers import expat


def parse_xml(source: str | bytes) -> dict[str, Any]:
    """Parse XML: `@attribute`, `#text`, and a list for a repeated element.

    Raises ExpatError or LookupError for anything but XML, and ValueError for a document type.

    >>> parse_xml('<a xmlns:o="o"><o:meta>1</o:meta><b/><b c="2">3</b></a>')
    {'a': {'@xmlns:o': 'o', 'meta': '1', 'b': [None, {'@c': '2', '#text': '3'}]}}
    """
    import xmltodict  # noqa: PLC0415 - loaded when first needed

    parser = SimpleNamespace(ParserCreate=_create_parser)
    body: dict[str, Any] = xmltodict.parse(source, expat=parser, postprocessor=_drop_prefix)
    return body


def _create_parser(encoding: str | None, separator: str | None) -> Any:
    parser = expat.ParserCreate(encoding, separator)
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_args: Any) -> None:
    raise ValueError("XML with a document type (<!DOCTYPE …>) is not allowed.")


def _drop_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
